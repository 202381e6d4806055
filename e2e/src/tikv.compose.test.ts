import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Action } from "@operator/contracts/action";
import { ComposeStack, whyNoDocker } from "@operator/stack/compose-stack";
import { tellChaos } from "./tell-chaos.ts";
import { Witness } from "./witness.ts";

// The TiKV room in containers, with the simulator under the names of the real cluster.

const why = whyNoDocker();
if (why !== undefined) process.stdout.write(`compose: skipped, ${why}\n`);

const subject = "tikv";
const graceScale = 0.1;

describe.skipIf(why !== undefined)("docker compose up, OPERATOR_TIKV=simulator", () => {
  let stack: ComposeStack;
  let witness: Witness;
  const key = () => join(stack.folder, "compose.pem");

  beforeAll(async () => {
    process.stdout.write(`compose: graces and hold-downs are scaled by ${graceScale}\n`);
    stack = await ComposeStack.make({ OPERATOR_GRACE_SCALE: String(graceScale) });
    await stack.compose("up", "--detach", "--wait", "--wait-timeout", "150");
    witness = new Witness(await stack.connect(), subject);
  }, 300_000);
  afterAll(async () => {
    await witness?.[Symbol.asyncDispose]();
    await stack?.[Symbol.asyncDispose]();
  }, 120_000);

  const say = async (command: Record<string, unknown>) => await tellChaos(await stack.connect(), command);

  /** The ticket that is open about an invariant, whatever the target: who is which store isn't known here. */
  async function opened(invariant: string) {
    return await witness.until(
      `a diagnosed ticket of ${invariant}`,
      () =>
        witness.ticketEvents.findLast(
          (ticket) => ticket.invariant === invariant && ticket.status === "open" && ticket.diagnosis === "done",
        ),
      90_000,
    );
  }

  test("a message kills a store's container: one ticket with the right cause, closed when it's back", async () => {
    await witness.allWell();
    await say({ subject, fault: "kill_store", target: "tikv-2", id: "k", ttlMs: 300_000 });
    const { target, attempts } = await opened("store_down");
    expect(attempts.at(-1)?.diagnosis?.answer.rootCauses[0]).toMatchObject({ category: "crashed", target });
    await say({ revert: "k" });
    expect((await witness.closes("store_down", target)).closedBy).toBe("observation");
    await witness.allWell();
  }, 180_000);

  test("a store that is cut off PD by its network is told from one that is dead", async () => {
    await say({ subject, fault: "cut_pd", target: "tikv-3", id: "c", ttlMs: 300_000 });
    const { target, attempts } = await opened("store_disconnected");
    expect(attempts.at(-1)?.diagnosis?.answer.rootCauses[0]).toMatchObject({ category: "unreachable", target });
    await say({ revert: "c" });
    await witness.closes("store_disconnected", target);
    await witness.allWell();
  }, 180_000);

  test("an eviction that was left behind is removed when somebody approves", async () => {
    await stack.operator("mode", "execute", "--key", key(), "--yes", "--reason", "the test's story");
    await say({ subject, fault: "leave_evict_leader", target: "tikv-1", id: "e", ttlMs: 600_000 });
    const { target } = await opened("forgotten_evict_leader");
    const bucket = await (await stack.connect()).bucket("actions", Action);
    const actions = async () =>
      (await bucket.entries()).map(({ value }) => value).filter(({ proposal }) => proposal.target === target);
    const proposed = async () => (await actions()).find(({ state }) => state === "proposed");
    await expect.poll(proposed, { timeout: 60_000, interval: 100 }).toBeDefined();
    const action = await proposed();
    expect(action?.proposal.action).toBe("undrain_store");
    await stack.operator("actions", "approve", action?.id ?? "", "--key", key(), "--yes", "--wait");
    await witness.closes("forgotten_evict_leader", target);
    await vi.waitUntil(async () => (await actions()).some(({ state }) => state === "verified"), { timeout: 60_000 });
    await witness.allWell();
  }, 240_000);
});

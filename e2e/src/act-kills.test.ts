import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addApprover } from "@operator/approval/approvers-file";
import { newKey, readPrivateKey } from "@operator/approval/keys";
import { sign } from "@operator/approval/sign";
import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import { Action } from "@operator/contracts/action";
import { ActionStatement, ModeStatement } from "@operator/contracts/approval";
import { ChaosCommand } from "@operator/contracts/chaos";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";
import { Stack } from "@operator/stack/stack";
import { expect, onTestFinished, test } from "vitest";
import { Witness } from "./witness.ts";

// A node is killed by chaos, round after round, and while the loop and the actuator put it right one service is killed
// at a random moment and started again. Each round has to end well: one action, executed once, verified, ticket closed.

const rounds = Number(process.env["ROUNDS"] ?? 6);
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const graceScale = 0.2;
console.log(`SEED=${seed} ROUNDS=${rounds}; hold-downs × ${graceScale}`);

const nodes = ["node-a", "node-b", "node-c"] as const;
const victims = ["observer-1", "checker-1", "ticketer-1", "diagnoser-1", "actuator-1", "chaos-1"] as const;

test(`any service killed at any moment: each of ${rounds} kills is put right by one action`, async () => {
  const draw = random(seed);
  await using stack = await Stack.start({
    subject: "ratelimiter",
    counts: { actuator: 1, chaos: 1 },
    graceScale,
    environment: { actuator: approval() },
  });
  const cli = await stack.connect("cli");
  await using witness = new Witness(cli, "ratelimiter");
  const actions = await cli.bucket("actions", Action);
  const control = await cli.bucket("control", Control);
  await control.change(controlKey, (before = controlAtFirst) => executing(before));
  await witness.allWell();

  for (let round = 1; round <= rounds; round++) {
    const node = nodes[round % nodes.length] ?? "node-a";
    const victim = victims[Math.floor(draw() * victims.length)] ?? "checker-1";
    const afterMs = Math.floor(draw() * 4_000);
    const what = `round ${round}: ${node}, ${victim} killed after ${afterMs} ms`;
    const before = witness.ticket("node_down", node)?.generation ?? 0;
    await cli.publish(
      flow.chaosCommand,
      ChaosCommand.parse({
        subject: "ratelimiter",
        fault: "kill_node",
        target: node,
        id: `r-${seed}-${round}`,
        ttlMs: 120_000,
      }),
    );
    const killing = (async () => {
      await sleep(afterMs);
      await stack.service(victim).kill();
      await stack.service(victim).restart();
    })();
    // Awaited below; a round that fails before that stops the stack under it.
    killing.catch(() => {});
    const ticket = await witness.until(
      `${what}: a ticket`,
      () => {
        const found = witness.ticket("node_down", node);
        return found && found.generation > before ? found : undefined;
      },
      45_000,
    );
    const action = await until(`${what}: a proposal`, async () => {
      const found = (await actions.entries(ticket.id.replace(/\.\d+$/, ""))).map(({ value }) => value);
      return found.find((each) => each.ticket === ticket.id);
    });
    await cli.publish(flow.approval, approve(action, (await control.get(controlKey))?.value.term ?? 0));
    const ended = await until(
      `${what}: ${action.id} ended`,
      async () => {
        const now = (await actions.get(action.id))?.value;
        return now && ["verified", "unverified", "failed", "refused", "expired", "cancelled"].includes(now.state)
          ? now
          : undefined;
      },
      {
        seen: async () =>
          JSON.stringify([
            (await actions.get(action.id))?.value,
            await notesOf(cli),
            (await control.get(controlKey))?.value,
          ]),
      },
    );
    expect(
      ended.steps.map(({ state }) => state),
      what,
    ).toContain("executed");
    expect(ended.state, `${what}: ${JSON.stringify(ended.steps.at(-1))}`).toBe("verified");
    await witness.until(`${what}: closed`, () => {
      const now = witness.ticket("node_down", node);
      return now?.id === ticket.id && now.status === "closed";
    });
    await killing;
    await witness.allWell();
    expect(
      ended.steps.filter(({ state }) => state === "executed"),
      what,
    ).toHaveLength(1);
    expect((await control.get(controlKey))?.value.inFlight, `${what}: nothing stays in flight`).toEqual({});
  }
}, 1_800_000);

async function notesOf(cli: Bus): Promise<string[]> {
  for await (const { received } of readInOrder(cli, flow.note, { from: "first", signal: AbortSignal.timeout(3_000) })) {
    return received
      .slice(-5)
      .map(({ message }) => `${message.kind} ${message.code ?? ""} ${message.action ?? ""} ${message.text}`);
  }
  return [];
}

const made = newKey();
const { privateKey } = readPrivateKey(made.privatePem);

/** The actuator's files: who may approve, and a policy that lets the same node be started round after round. */
function approval(): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "operator-e2e-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "approvers.json");
  const policy = join(folder, "policy.yaml");
  addApprover(file, { key: made.key, name: "e2e", risks: ["low"], mode: true, publicKey: made.publicKey });
  writeFileSync(policy, "perHourMax: 1000\ncoolDownScale: 0\n");
  return { OPERATOR_APPROVERS_FILE: file, OPERATOR_POLICY_FILE: policy };
}

function executing(before: Control): Control {
  const [term, issuedAtMs] = [before.term + 1, Date.now()];
  const about = { key: made.key, issuedAtMs, expiresAtMs: issuedAtMs + 3_600_000 };
  const statement = sign(ModeStatement.parse({ purpose: "execute_mode", term, ...about }), privateKey);
  return { ...before, mode: "execute", term, by: "e2e", atMs: issuedAtMs, reason: "a test", statement };
}

function approve({ id, subject, proposal, evidence }: Action, term: number) {
  const issuedAtMs = Date.now();
  const statement = ActionStatement.parse({
    purpose: "approve_action",
    action: id,
    subject,
    kind: proposal.action,
    target: proposal.target,
    parameters: proposal.parameters,
    evidence,
    term,
    key: made.key,
    issuedAtMs,
    expiresAtMs: issuedAtMs + 600_000,
  });
  return { action: id, subject, signed: sign(statement, privateKey) };
}

/** `seen`: what to say when it doesn't come. */
async function until<Found>(
  what: string,
  look: () => Promise<Found | undefined>,
  { withinMs = 120_000, seen = () => Promise.resolve("") }: { withinMs?: number; seen?: () => Promise<string> } = {},
): Promise<Found> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms ${await seen()}`);
    await sleep(100);
  }
}

/** The same numbers for the same seed (mulberry32). */
function random(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

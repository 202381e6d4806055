import { FaultId } from "@operator/contracts/chaos";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Lab, whyNoDocker } from "./lab.fixture.ts";

const why = await whyNoDocker();
if (why !== undefined) process.stdout.write(`engine: skipped, ${why}\n`);

const order = (id: string, forMs = 60_000) => ({ fault: FaultId.parse(id), forMs });

// Docker's engine isn't ended for it: the socket before it is.
describe.skipIf(why !== undefined)("an engine that is away", () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.open();
  });
  afterEach(async () => await lab[Symbol.asyncDispose]());

  test("is said with its socket, and when it's back, all goes on", async () => {
    await lab.member("node-a");
    const { chaos, actuator } = await lab.supervise();
    await chaos.list();
    await lab.proxy.cut();
    const asks = [() => chaos.list(), () => chaos.kill("node-a", order("k1")), () => actuator.start("node-a")];
    for (const ask of asks) {
      await expect(ask()).rejects.toMatchObject({
        code: "ENGINE_AWAY",
        message: expect.stringContaining(`Docker's engine at ${lab.proxy.socketPath} is away (list`),
      });
    }
    await lab.proxy.open();
    expect(await chaos.list()).toMatchObject([{ target: "node-a", state: "running" }]);
    expect(await actuator.start("node-a")).toEqual({ already: true });
  });

  test.for([
    { manner: "is silent", says: /didn't answer list \w+ within 300 ms/ },
    { manner: "breaks off", says: /didn't answer list \w+ within 300 ms|is away/ },
  ] as const)("one that $manner holds nobody up", async ({ manner, says }) => {
    await lab.member("node-a");
    const { chaos } = await lab.supervise({ callWithinMs: 300 });
    lab.proxy.manner = manner;
    const askedMs = Date.now();
    await expect(chaos.list()).rejects.toMatchObject({ code: "ENGINE_AWAY", message: expect.stringMatching(says) });
    expect(Date.now() - askedMs).toBeLessThan(2_000);
    lab.proxy.manner = "forwards";
    expect(await chaos.list()).toHaveLength(1);
  });

  test("a fault whose time is over while it's away is reverted when it's back", async () => {
    const node = await lab.member("node-a");
    const { chaos } = await lab.supervise();
    const { fault } = await chaos.kill("node-a", order("k1", 1_000));
    await lab.proxy.cut();
    await vi.waitUntil(() => Date.now() > fault.endsAtMs + 300, { timeout: 10_000 });
    expect(await lab.stateOf(node)).toBe("exited");
    await lab.proxy.open();
    await vi.waitUntil(async () => (await lab.stateOf(node)) === "running", { timeout: 10_000 });
    await vi.waitUntil(async () => (await chaos.list())[0]?.fault === undefined, { timeout: 10_000 });
  });

  test("a kill whose answer is lost took effect, and is taken back soon instead of never", async () => {
    const node = await lab.member("node-a");
    const { chaos } = await lab.supervise();
    // The engine dies between the kill and what would be seen of it.
    lab.proxy.after = async (asked) => {
      if (asked.includes("/kill")) await lab.proxy.cut();
    };
    await expect(chaos.kill("node-a", order("k1"))).rejects.toMatchObject({ code: "ENGINE_AWAY" });
    expect(await lab.stateOf(node)).toBe("exited");
    await lab.proxy.open();
    await vi.waitUntil(async () => (await lab.stateOf(node)) === "running", { timeout: 10_000 });
  });
});

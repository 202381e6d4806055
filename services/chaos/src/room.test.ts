import { readInOrder } from "@operator/bus/read-in-order";
import type { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { Stack } from "@operator/stack/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { phasesOf } from "./chaos.fixture.ts";

// main.ts itself, with a real room: its nodes and its Redis, under the stack's supervisor.

let stack: Stack;
beforeAll(async () => {
  const counts = { observer: 0, checker: 0, ticketer: 0, diagnoser: 0, chaos: 1 };
  stack = await Stack.start({ subject: "ratelimiter", counts, load: false });
});
afterAll(async () => await stack[Symbol.asyncDispose]());

async function say(command: object): Promise<void> {
  const { connection } = (await stack.connect("cli")).link;
  connection.publish("operator.chaos.commands", JSON.stringify(command));
  await connection.flush();
}

/** The events of a fault, once it has come to this phase. */
async function until(id: string, phase: FaultEvent["phase"]): Promise<FaultEvent[]> {
  const events: FaultEvent[] = [];
  const signal = AbortSignal.timeout(30_000);
  for await (const batch of readInOrder(await stack.connect("cli"), flow.fault, {
    given: { id },
    from: "first",
    signal,
  })) {
    events.push(...batch.received.map(({ message }) => message));
    if (events.some((event) => event.phase === phase)) return events;
  }
  throw new Error(`fault ${id} hasn't come to ${phase}: ${JSON.stringify(events)}`);
}

test("a node is killed and comes back; the last one that runs is refused", async () => {
  const node = stack.member("node-a");
  const { pid } = node;
  await say({ subject: "ratelimiter", fault: "kill_node", target: "node-a", id: "a", ttlMs: 60_000 });
  await until("a", "proved");
  expect(node.ending).toBe("SIGKILL");
  await say({ subject: "ratelimiter", fault: "pause_node", target: "node-b", id: "b", ttlMs: 60_000 });
  await until("b", "proved");
  await say({ subject: "ratelimiter", fault: "kill_node", target: "node-c", id: "c" });
  expect((await until("c", "refused"))[0]).toMatchObject({ code: "QUORUM" });
  await say({ halt: true, by: "ann" });
  expect(phasesOf(await until("a", "reverted"))).toEqual(["injecting", "injected", "proved", "reverting", "reverted"]);
  await until("b", "reverted");
  expect(node.pid).not.toBe(pid);
  expect(node.running).toBe(true);
});

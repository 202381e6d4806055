import { readInOrder } from "@operator/bus/read-in-order";
import type { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { Stack } from "@operator/stack/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { phasesOf } from "./chaos.fixture.ts";

// main.ts itself, with a room whose faults look up who their target is: simulated PD and TiKV, under the stack's supervisor.

const subject = "tikv";
let stack: Stack;
beforeAll(async () => {
  const counts = { observer: 0, checker: 0, ticketer: 0, diagnoser: 0, chaos: 1 };
  stack = await Stack.start({ subject, counts, load: false });
});
afterAll(async () => await stack[Symbol.asyncDispose]());

async function say(command: object): Promise<void> {
  const { connection } = (await stack.connect("cli")).link;
  connection.publish("operator.chaos.commands", JSON.stringify(command));
  await connection.flush();
}

/** The events of a fault, once it has come to one of these phases. */
async function until(id: string, ...phases: FaultEvent["phase"][]): Promise<FaultEvent[]> {
  const events: FaultEvent[] = [];
  const from = { given: { id }, from: "first" as const, signal: AbortSignal.timeout(50_000) };
  for await (const batch of readInOrder(await stack.connect("cli"), flow.fault, from)) {
    events.push(...batch.received.map(({ message }) => message));
    if (events.some((event) => phases.includes(event.phase))) return events;
  }
  throw new Error(`fault ${id} hasn't come to ${phases.join(" or ")}: ${JSON.stringify(events)}`);
}

test("a store is killed as tikv-1, and named as the loop sees it; a second one is refused", async () => {
  await say({ subject, fault: "kill_store", target: "tikv-1", id: "store", ttlMs: 60_000 });
  for (const event of await until("store", "proved")) {
    expect(event).toMatchObject({ target: "tikv-1", observedAs: expect.stringMatching(/^store-\d+$/) });
  }
  expect(stack.member("tikv-1").running).toBe(false);
  await say({ subject, fault: "pause_store", target: "tikv-2", id: "second" });
  expect((await until("second", "refused"))[0]).toMatchObject({ code: "QUORUM" });
  await say({ subject, fault: "leader_limit_zero", target: "cluster", id: "limit", ttlMs: 60_000 });
  expect((await until("limit", "proved"))[0]).toMatchObject({ phase: "injecting", undo: { limit: 4 } });
});

test("the leader of PD is killed, whoever it is; and what PD's API has to take back is tried until there's a leader again", async () => {
  await say({ subject, fault: "kill_pd_leader", target: "pd-leader", id: "leader", ttlMs: 60_000 });
  const [began] = await until("leader", "proved");
  expect(began).toMatchObject({ asked: "pd-leader", target: expect.stringMatching(/^pd-[123]$/) });
  expect(stack.member(began?.target ?? "").running).toBe(false);
  await say({ halt: true, by: "ann" });
  for (const id of ["store", "leader", "limit"]) {
    expect(phasesOf(await until(id, "reverted"))).toEqual(expect.arrayContaining(["reverting", "reverted"]));
  }
  expect(stack.member(began?.target ?? "").running).toBe(true);
});

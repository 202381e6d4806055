import { Bus } from "@operator/bus/bus";
import { provision } from "@operator/bus/provision";
import { ChaosCommand, FaultEvent, HaltLever } from "@operator/contracts/chaos";
import { InstanceName } from "@operator/contracts/names";
import { contextOf } from "@operator/service/context.fixture";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { chaosClient } from "@operator/supervisor/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./chaos.fixture.ts";
import { Journal } from "./journal.ts";
import { Lever } from "./lever.ts";
import { giveUp } from "./obey.ts";

let nats: NatsServer;
let bus: Bus;
let journal: Journal;
const stop = new AbortController();

beforeAll(async () => {
  nats = await startProvisionedNats();
  bus = await connect("chaos");
  journal = new Journal(contextOf(bus, stop.signal));
  const { promise, resolve } = Promise.withResolvers<void>();
  void journal.read(resolve);
  await promise;
});
afterAll(async () => {
  stop.abort();
  await bus.close();
  await nats.stop();
});

function connect(user: "chaos" | "provision"): Promise<Bus> {
  const instance = InstanceName.parse(`${user}-test`);
  return Bus.connect({ servers: nats.url, user, password: nats.passwords[user], instance });
}

function event(id: string, changed: Record<string, unknown> = {}): FaultEvent {
  const about = { id, subject: "example", fault: "mark_member", target: "member-a", phase: "injecting", by: "ann" };
  return FaultEvent.parse({ ...about, atMs: 1_000, parameters: {}, ttlMs: 1_000, text: "chaos-1 does it", ...changed });
}

test("one instance begins a fault, and knows its own word again when the acknowledgement was lost", async () => {
  const place = await journal.claim(event("claimed"));
  expect(place).toBeGreaterThan(0);
  expect(await journal.claim(event("claimed"))).toBe(place);
  expect(await journal.claim(event("claimed", { text: "chaos-2 does it" }))).toBeUndefined();
  expect(await journal.claim(event("claimed", { atMs: 2_000 }))).toBeUndefined();
});

test("the first word of a phase stays", async () => {
  await journal.claim(event("word"));
  expect(await journal.write(event("word", { phase: "failed", text: "first" }))).toBe(true);
  expect(await journal.write(event("word", { phase: "failed", text: "second" }))).toBe(false);
  expect(journal.record(event("word"))?.since.failed?.text).toBe("first");
});

test("of a command that nobody could carry out the refusal says so, unless its fault began", async () => {
  const hands = { supervisor: chaosClient("/nowhere/chaos.sock"), environment: {} };
  const lever = new Lever(await bus.bucket("chaos", HaltLever));
  const desk = { catalogue: new Map(), journal, lever, hands };
  const received = (id: string) => ({
    message: ChaosCommand.parse({ subject: "example", fault: "mark_member", target: "member-a", id }),
    sequence: 9,
    address: "operator.chaos.commands",
    id,
    storedAtMs: 1,
  });
  await giveUp(desk, received("exhausted"));
  expect(await journal.beginning(event("exhausted"))).toMatchObject({ phase: "refused", code: "DELIVERIES_EXHAUSTED" });
  await journal.claim(event("begun"));
  await giveUp(desk, received("begun"));
  expect(await journal.stored("example", event("begun").id, "refused")).toBeUndefined();
});

test("a journal that was made anew has none of the old one's faults", async () => {
  await journal.claim(event("lost"));
  await using admin = await connect("provision");
  await admin.link.api.streams.delete("FAULTS");
  await provision(admin);
  await journal.claim(event("new"));
  await eventually(
    "the old faults are gone",
    () =>
      journal
        .open()
        .map(({ began }) => began.id)
        .join() === "new",
  );
});

test("a service that stops writes its last word and doesn't wait to read it", async () => {
  stop.abort();
  const beganMs = performance.now();
  expect(await journal.write(event("last"))).toBe(true);
  expect(performance.now() - beganMs).toBeLessThan(5_000);
});

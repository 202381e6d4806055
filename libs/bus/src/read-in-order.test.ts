import { headers } from "@nats-io/transport-node";
import { flow } from "@operator/contracts/flow";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { connectAs, connectRaw, until, violationOf } from "./bus.fixture.ts";
import { provision } from "./provision.ts";
import { type Batch, readInOrder } from "./read-in-order.ts";

let server: NatsServer;
let checker: Bus;
let ticketer: Bus;
let admin: Bus;
let stop: AbortController;

beforeEach(async () => {
  server = await startProvisionedNats();
  [checker, ticketer, admin] = await Promise.all([
    connectAs(server, "checker"),
    connectAs(server, "ticketer"),
    connectAs(server, "provision"),
  ]);
  stop = new AbortController();
}, 30_000);
afterEach(async () => {
  stop.abort();
  await Promise.all([checker, ticketer, admin].map((bus) => bus.close()));
  await server.stop();
});

/** Reads in the background; what it read is in `asOf`, in the order that it came. */
function follow(from: Parameters<typeof readInOrder>[2]["from"], given?: Record<string, string>, bus = ticketer) {
  const batches: Batch<{ asOf: number }>[] = [];
  const reading = (async () => {
    for await (const batch of readInOrder(bus, flow.violation, {
      from,
      signal: stop.signal,
      ...(given ? { given } : {}),
    })) {
      batches.push(batch);
    }
  })();
  // A test that closes its bus before it stops reading ends this by an error, which is then none.
  reading.catch(() => {});
  const asOf = () => batches.flatMap(({ received }) => received.map(({ message }) => message.asOf));
  return { batches, asOf, reading };
}

async function say(subject: string, target: string, ...asOfs: number[]) {
  for (const asOf of asOfs) await checker.publish(flow.violation, violationOf(subject, target, asOf));
}

test("from the first, it reads what there is, says that it has caught up, and goes on", async () => {
  await say("s", "a", 1, 2);
  const { asOf, batches } = follow("first");
  await until(() => batches.at(-1)?.caughtUp === true);
  expect(asOf()).toEqual([1, 2]);
  await say("s", "b", 3);
  await until(() => asOf().length === 3);
  expect(batches.at(-1)).toMatchObject({
    lastSequence: 3,
    caughtUp: true,
    received: [{ sequence: 3, address: "operator.violation.s.node_down.b", id: "s.node_down.b:firing:3" }],
  });
});

test("where there's nothing to read, it says so at once, once", async () => {
  const { batches } = follow("first");
  await until(() => batches.length > 0);
  expect(batches).toMatchObject([{ received: [], lastSequence: 0, caughtUp: true }]);
});

test("after a sequence, it reads what is behind it", async () => {
  await say("s", "a", 1, 2, 3);
  const { asOf } = follow({ after: 2 });
  await until(() => asOf().length > 0);
  expect(asOf()).toEqual([3]);
});

test("new: only what comes from now on", async () => {
  await say("s", "a", 1);
  const { asOf, batches } = follow("new");
  await until(() => batches.length === 1);
  expect(batches).toMatchObject([{ received: [], lastSequence: 1, caughtUp: true }]);
  await say("s", "a", 2);
  await until(() => asOf().length > 0);
  expect(asOf()).toEqual([2]);
});

test("last: the newest of each address, and what follows", async () => {
  await say("s", "a", 1, 2);
  await say("s", "b", 3);
  const { asOf } = follow("last");
  await until(() => asOf().length === 2);
  expect(asOf()).toEqual([2, 3]);
  await say("s", "a", 4);
  await until(() => asOf().length === 3);
});

test("last: where nothing is, the checkpoint is the stream's end all the same", async () => {
  await say("other", "a", 1, 2);
  const { batches } = follow("last", { subject: "mine" });
  await until(() => batches.length === 1);
  expect(batches).toMatchObject([{ received: [], lastSequence: 2, caughtUp: true }]);
});

test("given parameters, only addresses with these, and the checkpoint is theirs", async () => {
  await say("mine", "a", 1);
  await say("other", "a", 2);
  await say("mine", "b.c", 3);
  const { asOf, batches } = follow("first", { subject: "mine" });
  await until(() => asOf().length === 2);
  expect(asOf()).toEqual([1, 3]);
  expect(batches.at(-1)).toMatchObject({ lastSequence: 3, caughtUp: true });
  const { asOf: ofTarget } = follow("first", { target: "b.c" });
  await until(() => ofTarget().length === 1);
});

test("batches are no larger than asked, and only the last one has caught up", async () => {
  await say("s", "a", 1, 2, 3, 4, 5);
  const batches: Batch<unknown>[] = [];
  const words: string[] = [];
  await using reader = await connectAs(server, "ticketer", { log: ({ msg }) => words.push(msg) });
  for await (const batch of readInOrder(reader, flow.violation, {
    from: "first",
    signal: stop.signal,
    batchMax: 2,
  })) {
    batches.push(batch);
    if (batch.caughtUp) break;
  }
  expect(batches.every(({ received }) => received.length <= 2)).toBe(true);
  expect(batches.map(({ caughtUp }) => caughtUp).indexOf(true)).toBe(batches.length - 1);
  expect(batches.at(-1)?.lastSequence).toBe(5);
  // One consumer served them all.
  expect(words).toEqual([]);
});

test("messages that expire while they are waited for don't keep a reader from having caught up", async () => {
  await say("s", "a", 1, 2, 3, 4, 5, 6);
  const asOf: number[] = [];
  for await (const batch of readInOrder(ticketer, flow.violation, {
    from: "first",
    signal: stop.signal,
    batchMax: 1,
  })) {
    asOf.push(...batch.received.map(({ message }) => message.asOf));
    if (batch.caughtUp) break;
    if (asOf.length === 1) await admin.link.api.streams.purge("VIOLATIONS");
  }
  expect(asOf.length).toBeLessThan(6);
});

test("messages that expired before they were read are a gap, told before what follows", async () => {
  await say("s", "a", 1, 2, 3, 4);
  await admin.link.api.streams.purge("VIOLATIONS", { seq: 4 });
  const { asOf, batches } = follow({ after: 1 });
  await until(() => asOf().length === 1);
  expect(batches[0]).toMatchObject({ received: [], gap: { fromSequence: 2, toSequence: 3, why: "expired" } });
  expect(asOf()).toEqual([4]);
});

test("from the first there's no gap, however much expired", async () => {
  await say("s", "a", 1, 2, 3);
  await admin.link.api.streams.purge("VIOLATIONS", { seq: 3 });
  const { asOf, batches } = follow("first");
  await until(() => asOf().length === 1);
  expect(batches.some(({ gap }) => gap)).toBe(false);
});

test("a stream that was made anew is read from its first, and the gap is told", async () => {
  await say("s", "a", 1, 2, 3);
  const running = follow("first");
  await until(() => running.asOf().length === 3);
  await admin.link.api.streams.delete("VIOLATIONS");
  await provision(admin);
  await say("s", "b", 11, 12, 13, 14);
  await until(() => running.asOf().length === 7);
  expect(running.asOf()).toEqual([1, 2, 3, 11, 12, 13, 14]);
  expect(running.batches.find(({ gap }) => gap)?.gap).toMatchObject({ why: "recreated", fromSequence: 4 });
  // A new reader with an old checkpoint, that the new stream hasn't come to.
  const later = follow({ after: 9 });
  await until(() => later.asOf().length === 4);
  expect(later.batches[0]?.gap).toMatchObject({ why: "recreated", fromSequence: 10 });
});

test("a consumer that the server lost is made anew, and nothing is lost or repeated", async () => {
  const { asOf } = follow("first");
  await say("s", "a", 1, 2);
  await until(() => asOf().length === 2);
  for await (const { name } of admin.link.api.consumers.list("VIOLATIONS")) {
    await admin.link.api.consumers.delete("VIOLATIONS", name);
  }
  await say("s", "a", 3, 4);
  await until(() => asOf().length === 4);
  expect(asOf()).toEqual([1, 2, 3, 4]);
});

test(
  "a bus that is silent without closing the connection is noticed by missed heartbeats",
  { timeout: 60_000 },
  async () => {
    const words: unknown[] = [];
    await using watching = await connectAs(server, "ticketer", { log: ({ why }) => words.push(why) });
    const { asOf } = follow("first", undefined, watching);
    await say("s", "a", 1);
    await until(() => asOf().length === 1);
    await server.kill("SIGSTOP");
    await until(() => words.includes("heartbeats were missed"));
    await server.kill("SIGCONT");
    await say("s", "a", 2);
    await until(() => asOf().length === 2);
    expect(asOf()).toEqual([1, 2]);
  },
);

test("a message of the consumer that went to somebody else is noticed, and read all the same", async () => {
  const asOf: number[] = [];
  const words: unknown[] = [];
  await using watching = await connectAs(server, "ticketer", { log: ({ why }) => words.push(why) });
  const reading = (async () => {
    const options = { from: "first", signal: stop.signal, batchMax: 1 } as const;
    for await (const { received } of readInOrder(watching, flow.violation, options)) {
      asOf.push(...received.map(({ message }) => message.asOf));
      if (asOf.length === 5) return;
    }
  })();
  await say("s", "a", 1);
  await until(() => asOf.length === 1);
  // Its request waits behind the reader's, which asks for one message at a time: the third one is the thief's.
  await using thief = await connectRaw(server, "ticketer");
  const [name] = await namesOf();
  thief.publish(`$JS.API.CONSUMER.MSG.NEXT.VIOLATIONS.${name}`, `{"batch":1,"expires":20000000000}`, {
    reply: "_INBOX_ticketer.x",
  });
  thief.subscribe("_INBOX_ticketer.x", { callback: () => {} });
  await thief.flush();
  await say("s", "a", 2, 3, 4, 5);
  await reading;
  expect(asOf).toEqual([1, 2, 3, 4, 5]);
  expect(words).toContain("a message was missing");
});

test("the bus killed and started again: every message once, in order", { timeout: 60_000 }, async () => {
  const { asOf } = follow("first");
  for (let round = 0; round < 3; round++) {
    await say("s", "a", ...[1, 2, 3].map((n) => round * 3 + n));
    if (round === 2) break;
    await server.kill();
    await server.restart();
  }
  await until(() => asOf().length === 9);
  expect(asOf()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("what can't be read is a dead letter with its bytes before it's passed over", async () => {
  const raw = await connectRaw(server, "provision");
  const attributes = headers();
  attributes.set("ce-type", "operator.violation.v1");
  attributes.set("ce-source", "operator/checker");
  await say("s", "a", 1);
  await raw.request("operator.violation.s.node_down.a", "{not JSON", { headers: attributes, timeout: 2_000 });
  await raw.close();
  await say("s", "a", 2);
  const { asOf, batches } = follow("first");
  await until(() => asOf().length === 2);
  expect(batches.at(-1)).toMatchObject({ lastSequence: 3 });
  await using cli = await connectAs(server, "cli");
  expect((await cli.last(flow.dead, "operator.dead.ticketer.violation"))?.message).toMatchObject({
    id: "VIOLATIONS:2",
    service: "ticketer",
    channel: "violation",
    code: "BAD_JSON",
    address: "operator.violation.s.node_down.a",
    stream: "VIOLATIONS",
    sequence: 2,
    deliveries: 1,
    bodyBase64: Buffer.from("{not JSON").toString("base64"),
    bytes: 9,
    truncated: false,
    headers: expect.arrayContaining([["ce-type", "operator.violation.v1"]]),
  });
  // A second reader of the same user finds the same, which folds into one dead letter.
  const second = follow("first");
  await until(() => second.asOf().length === 2);
  expect((await admin.streamState("DEAD")).messages).toBe(1);
});

test("while a dead letter can't be stored, nothing is passed over", { timeout: 60_000 }, async () => {
  await admin.link.api.streams.delete("DEAD");
  const raw = await connectRaw(server, "provision");
  await raw.request("operator.violation.s.node_down.a", "nothing", { timeout: 2_000 });
  await raw.close();
  await say("s", "a", 2);
  const tried: string[] = [];
  await using watching = await connectAs(server, "ticketer", { log: ({ msg }) => tried.push(msg) });
  const { asOf } = follow("first", undefined, watching);
  await until(() => tried.includes("dead letter"));
  expect(asOf()).toEqual([]);
  await provision(admin);
  await until(() => asOf().length === 1);
  expect((await admin.streamState("DEAD")).messages).toBe(1);
});

test("a user that may send no dead letters passes over, and says so in its log", async () => {
  const raw = await connectRaw(server, "provision");
  await raw.request("operator.violation.s.node_down.a", "nothing", { timeout: 2_000 });
  await raw.close();
  await say("s", "a", 2);
  const words: string[] = [];
  await using cli = await connectAs(server, "cli", { log: ({ msg }) => words.push(msg) });
  const { asOf } = follow("first", undefined, cli);
  await until(() => asOf().length === 1);
  expect(words).toContain("dead letter");
});

test("one that could be read but not carried out can be made a dead letter, with its own bytes", async () => {
  await say("s", "a", 1);
  const { batches, asOf } = follow("first");
  await until(() => asOf().length === 1);
  const [received] = batches.at(-1)?.received ?? [];
  if (!received) throw new Error("nothing was received");
  await batches.at(-1)?.bury(received, { code: "NO_TICKET", reason: "there is none" });
  await using cli = await connectAs(server, "cli");
  expect((await cli.last(flow.dead, "operator.dead.ticketer.violation"))?.message).toMatchObject({
    code: "NO_TICKET",
    id: "s.node_down.a:firing:1",
    bodyBase64: Buffer.from(JSON.stringify(violationOf("s", "a", 1))).toString("base64"),
  });
});

test("it ends when its signal fires, while it waits and while it reads", async () => {
  const { reading, batches } = follow("first");
  await until(() => batches.length === 1);
  stop.abort();
  await reading;
});

async function namesOf(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of admin.link.api.consumers.list("VIOLATIONS")) names.push(name);
  return names;
}

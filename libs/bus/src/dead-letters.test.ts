import { headers } from "@nats-io/transport-node";
import type { DeadLetter } from "@operator/contracts/dead-letter";
import { flow } from "@operator/contracts/flow";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Bus } from "./bus.ts";
import { connectAs, connectRaw, snapshotOf, until } from "./bus.fixture.ts";
import { bury, replay } from "./dead-letters.ts";
import { provision } from "./provision.ts";
import { readInOrder } from "./read-in-order.ts";

let server: NatsServer;
let observer: Bus;
let checker: Bus;
let cli: Bus;
let admin: Bus;

beforeAll(async () => {
  server = await startProvisionedNats();
  [observer, checker, cli, admin] = await Promise.all([
    connectAs(server, "observer"),
    connectAs(server, "checker"),
    connectAs(server, "cli"),
    connectAs(server, "provision"),
  ]);
}, 30_000);
afterAll(async () => {
  await Promise.all([observer, checker, cli, admin].map((bus) => bus.close()));
  await server.stop();
});

const signal = new AbortController().signal;
const why = { code: "NOT_NOW", reason: "no reason" };

/** Buries what is stored at a snapshot's address, and gives the dead letter. */
async function buryStored(subject: string): Promise<DeadLetter> {
  const stored = await admin.link.api.streams.getMessage("SNAPSHOTS", { last_by_subj: addressOf(subject) });
  if (!stored) throw new Error("nothing is stored");
  const raw = { address: stored.subject, headers: stored.header, body: stored.data };
  await bury(checker, flow.snapshot, { ...raw, stream: "SNAPSHOTS", sequence: stored.seq, deliveries: 1 }, why, signal);
  const letter = await cli.last(flow.dead, "operator.dead.checker.snapshot");
  if (!letter) throw new Error("no dead letter is stored");
  return letter.message;
}

const addressOf = (subject: string) => `operator.snapshot.${subject}.full`;

test.for([
  ["a small one", "small", {}],
  ["a gzipped one", "large", { api: { a: "x".repeat(200_000) } }],
] as const)("%s is sent again as it was, under an id of its own", async ([, subject, parts]) => {
  const message = snapshotOf(subject, 1, parts);
  const { sequence } = await observer.publish(flow.snapshot, message);
  const letter = await buryStored(subject);
  expect(letter).toMatchObject({ id: `${subject}:1:1`, sequence, truncated: false });
  expect(await replay(admin, letter, 1)).toEqual({ sequence: sequence + 1, stored: "new" });
  expect(await replay(admin, letter, 1)).toEqual({ sequence: sequence + 1, stored: "repeat" });
  expect(await replay(admin, letter, 2)).toEqual({ sequence: sequence + 2, stored: "new" });
  // Readers take it for what its sender sent.
  expect(await cli.last(flow.snapshot, addressOf(subject))).toMatchObject({ message, sequence: sequence + 2 });
});

test("one whose bytes weren't all kept isn't sent again, and the error says so", async () => {
  const raw = await connectRaw(server, "provision");
  await raw.request(addressOf("huge"), new Uint8Array(3 * 1024 * 1024), { timeout: 5_000 });
  await raw.close();
  const letter = await buryStored("huge");
  expect(letter).toMatchObject({ truncated: true, bytes: 3 * 1024 * 1024 });
  await expect(replay(admin, letter, 1)).rejects.toMatchObject({
    code: "TRUNCATED",
    message: expect.stringContaining("3145728"),
  });
});

test("a service may not send dead letters' originals", async () => {
  await observer.publish(flow.snapshot, snapshotOf("mine", 1));
  const letter = await buryStored("mine");
  await expect(replay(cli, letter, 1)).rejects.toMatchObject({ code: "BUS_FORBIDDEN" });
});

test("an id that could break a header is replaced by stream and sequence", async () => {
  const attributes = headers();
  attributes.set("ce-id", "two words, ä and more");
  const raw = { address: addressOf("odd"), headers: attributes, body: Buffer.from("x") };
  await bury(checker, flow.snapshot, { ...raw, stream: "SNAPSHOTS", sequence: 77, deliveries: 1 }, why, signal);
  const letter = await cli.last(flow.dead, "operator.dead.checker.snapshot");
  expect(letter?.message.id).toBe("SNAPSHOTS:77");
});

test("one that can't be stored is tried for longer than any other message, and stored in the end", async () => {
  await using own = await startProvisionedNats();
  await using provisioner = await connectAs(own, "provision");
  await using reader = await connectAs(own, "checker");
  await provisioner.link.api.streams.delete("DEAD");
  const asked = vi.spyOn(reader.link, "ask");
  const tries = () => asked.mock.calls.length;
  let passedMs = 0;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => now() + passedMs);
  try {
    let ended = false;
    const raw = { address: addressOf("late"), headers: headers(), body: Buffer.from("x") };
    const about = { ...raw, stream: "SNAPSHOTS", sequence: 1, deliveries: 1 };
    const burying = bury(reader, flow.snapshot, about, why, signal).finally(() => (ended = true));
    burying.catch(() => {});
    await until(() => tries() > 1);
    passedMs = 3_600_000;
    const before = tries();
    await until(() => ended || tries() > before + 2);
    expect(ended, "given up within an hour").toBe(false);
    await provision(provisioner);
    await burying;
    expect((await provisioner.streamState("DEAD")).messages).toBe(1);
  } finally {
    vi.restoreAllMocks();
  }
});

test("one that can't be stored keeps nobody from stopping, and what it's about is met again", async () => {
  await using own = await startProvisionedNats();
  await using provisioner = await connectAs(own, "provision");
  await provisioner.link.api.streams.delete("DEAD");
  const foreign = await connectRaw(own, "provision");
  await foreign.request(addressOf("s"), "nothing that can be read", { timeout: 2_000 });
  await foreign.close();
  const words: string[] = [];
  await using reader = await connectAs(own, "checker", { log: ({ msg }) => words.push(msg) });
  const stop = new AbortController();
  const reached: number[] = [];
  const reading = (async () => {
    for await (const { lastSequence } of readInOrder(reader, flow.snapshot, { from: "first", signal: stop.signal }))
      reached.push(lastSequence);
  })();
  await until(() => words.includes("dead letter"));
  stop.abort();
  await reading;
  expect(Math.max(0, ...reached), "not passed over").toBe(0);

  await provision(provisioner);
  for await (const { lastSequence } of readInOrder(reader, flow.snapshot, {
    from: { after: 0 },
    signal: AbortSignal.timeout(20_000),
  }))
    if (lastSequence === 1) break;
  expect((await provisioner.streamState("DEAD")).messages).toBe(1);
});

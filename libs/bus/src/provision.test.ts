import { AckPolicy, DiscardPolicy, RetentionPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { buckets, streams, workers } from "@operator/contracts/streams";
import { type NatsServer, startNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { connectAs } from "./bus.fixture.ts";
import { differences, provision, refuseOldServer } from "./provision.ts";
import { RewritingProxy } from "./rewriting-proxy.fixture.ts";
import { lint, plannedConsumers, plannedStreams } from "./stream-config.ts";

let server: NatsServer;
let admin: Bus;
beforeAll(async () => {
  server = await startNats();
  admin = await connectAs(server, "provision");
}, 30_000);
afterAll(async () => {
  await admin.close();
  await server.stop();
});

test("everything is made, by two at once, and again without a change", { timeout: 30_000 }, async () => {
  await using other = await connectAs(server, "provision");
  await Promise.all([provision(admin), provision(other)]);
  const names: string[] = [];
  for await (const { config } of admin.link.api.streams.list()) names.push(config.name);
  expect(names.sort()).toEqual([...Object.keys(streams), ...Object.keys(buckets).map((name) => `KV_${name}`)].sort());
  const before = await described();
  await provision(admin);
  expect(await described()).toEqual(before);
});

test("what was changed by hand is brought back, and its messages stay", { timeout: 30_000 }, async () => {
  await provision(admin);
  const { streams: api, consumers } = admin.link.api;
  await api.update("VIOLATIONS", { max_age: nanos(60_000), duplicate_window: nanos(1_000) });
  await consumers.update("JOBS", "diagnoser-critical", { ack_wait: nanos(1_000) });
  await provision(admin);
  expect((await api.info("VIOLATIONS")).config).toMatchObject({
    max_age: nanos(streams.VIOLATIONS.maxAgeMs),
    duplicate_window: nanos(streams.VIOLATIONS.dedupeMs),
  });
  expect((await consumers.info("JOBS", "diagnoser-critical")).config.ack_wait).toBe(
    nanos(workers["diagnoser-critical"].ackWaitMs),
  );
});

test("a bucket of before, without history, is given one, and keeps what it has", { timeout: 30_000 }, async () => {
  await using own = await startNats();
  await using bus = await connectAs(own, "provision");
  const name = "KV_control";
  const planned = plannedStreams(1).find((stream) => stream.name === name);
  await bus.link.api.streams.add({
    ...planned,
    name,
    max_msgs_per_subject: 1,
    max_bytes: 1024 * 1024,
    allow_rollup_hdrs: true,
  });
  await using cli = await connectAs(own, "cli");
  await cli.link.connection.request("$KV.control.control", "{}", { timeout: 3_000 });
  await provision(bus);
  const { config, state } = await bus.link.api.streams.info(name);
  expect(config).toMatchObject({ max_msgs_per_subject: buckets.control.history, allow_rollup_hdrs: false });
  expect(state.messages).toBe(1);
});

test(
  "nothing of the audit can be deleted or purged, not even by who makes the streams",
  { timeout: 30_000 },
  async () => {
    await provision(admin);
    const { streams: api } = admin.link.api;
    await expect(api.purge("ACTIONS")).rejects.toThrow(/purge not permitted/);
    await expect(api.deleteMessage("ACTIONS", 1)).rejects.toThrow(/delete not permitted/);
    const unlocked = { deny_delete: false, deny_purge: false };
    await expect(api.update("ACTIONS", unlocked)).rejects.toThrow(/can not (cancel|change)|deny/);
  },
);

test("what a server leaves out of what was asked is found", () => {
  const asked = { max_age: 5, discard_new_per_subject: true, sealed: false, subjects: ["a"] };
  expect(differences(asked, { max_age: 5, discard_new_per_subject: true, subjects: ["a"] })).toEqual([]);
  expect(differences(asked, { max_age: 5, subjects: ["a"] })).toEqual([
    "discard_new_per_subject is undefined, asked was true",
  ]);
  expect(differences(asked, { ...asked, subjects: ["a", "b"] })).toHaveLength(1);
});

test.for(["2.12.0", "2.15.2", "3.0.0", "2.12.0-RC.1"])("a server of version %s will do", (version) => {
  expect(() => refuseOldServer(version)).not.toThrow();
});

test.for(["2.11.9", "2.9.10", "1.99.0", "unknown"])("a server of version %s is too old", (version) => {
  expect(() => refuseOldServer(version)).toThrow(`nats-server ${version} is too old: 2.12`);
});

test("nothing is made on a server that is too old", { timeout: 30_000 }, async () => {
  await using own = await startNats();
  await using proxy = await RewritingProxy.start(own.port, (said) =>
    said.replace(/"version":"[^"]+"/, `"version":"2.11.9"`),
  );
  await using old = await connectAs({ url: proxy.url, passwords: own.passwords }, "provision");
  await expect(provision(old)).rejects.toMatchObject({
    code: "OLD_SERVER",
    message: expect.stringContaining("2.11.9"),
  });
  const names: string[] = [];
  for await (const { config } of old.link.api.streams.list()) names.push(config.name);
  expect(names).toEqual([]);
});

test.for([
  ["stream", "discard_new_per_subject", "stream EVIDENCE"],
  ["worker", "max_ack_pending", "worker diagnoser-critical"],
] as const)(
  "a server that drops what it doesn't know of a %s is refused, and what it dropped is said",
  { timeout: 30_000 },
  async ([, setting, where]) => {
    await using own = await startNats();
    // It answers as if it had never heard of the setting.
    const unknown = `${setting.slice(0, -1)}_`;
    await using proxy = await RewritingProxy.start(own.port, (said) => said.replaceAll(`"${setting}"`, `"${unknown}"`));
    await using bus = await connectAs({ url: proxy.url, passwords: own.passwords }, "provision");
    const message = expect.stringMatching(`${where}: the server stored something else: ${setting} is undefined`);
    await expect(provision(bus)).rejects.toMatchObject({ code: "NOT_STORED", message });
  },
);

test("the server gives a message out more often than workers try it: dying while burying it isn't its end", () => {
  for (const { config } of plannedConsumers(1)) {
    const worker = Object.entries(workers).find(([name]) => name === config.durable_name)?.[1];
    expect(config.max_deliver).toBeGreaterThan(2 * (worker?.deliveriesMax ?? Infinity));
  }
});

test("the plan itself has nothing that a plan must not have", () => {
  expect(lint(plannedStreams(1), plannedConsumers(1))).toEqual([]);
});

const soundStream = {
  name: "S",
  max_bytes: 1,
  max_age: 10,
  duplicate_window: 5,
  discard: DiscardPolicy.Old,
  retention: RetentionPolicy.Limits,
};
const soundWorker = {
  durable_name: "w",
  ack_policy: AckPolicy.Explicit,
  ack_wait: 1,
  max_deliver: 5,
  max_ack_pending: 1,
};

test.for<[string, object, RegExp]>([
  ["no size", { max_bytes: -1 }, /max_bytes/],
  ["no age", { max_age: 0 }, /max_age/],
  ["one message per address, and the old one goes", { max_msgs_per_subject: 1 }, /discard new/],
  ["ids remembered for longer than messages", { duplicate_window: 11 }, /duplicate_window/],
])("a stream with %s is refused", ([, change, problem]) => {
  expect(lint([soundStream], [])).toEqual([]);
  expect(lint([{ ...soundStream, ...change }], [])).toEqual([expect.stringMatching(problem)]);
});

test.for<[string, object, RegExp]>([
  ["backoff", { backoff: [1] }, /backoff/],
  ["deliveries without end", { max_deliver: -1 }, /max_deliver/],
  ["no wait for acknowledgement", { ack_wait: 0 }, /ack_wait/],
  ["no limit on what is out", { max_ack_pending: -1 }, /max_ack_pending/],
  ["a push", { deliver_subject: "x" }, /pulled/],
])("a worker with %s is refused", ([, change, problem]) => {
  expect(lint([], [{ stream: "S", config: soundWorker }])).toEqual([]);
  expect(lint([], [{ stream: "S", config: { ...soundWorker, ...change } }])).toEqual([expect.stringMatching(problem)]);
});

async function described() {
  const all: unknown[] = [];
  for await (const { config, created } of admin.link.api.streams.list()) all.push(config, created);
  return all;
}

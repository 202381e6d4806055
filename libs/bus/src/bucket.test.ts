import { headers } from "@nats-io/transport-node";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Bucket } from "./bucket.ts";
import type { Bus } from "./bus.ts";
import { connectAs, until } from "./bus.fixture.ts";
import { CuttingProxy } from "./cutting-proxy.fixture.ts";
import { provision } from "./provision.ts";

const Value = z.object({ n: z.int() });
let server: NatsServer;
let ticketer: Bus;
let bucket: Bucket<{ n: number }>;

beforeAll(async () => {
  server = await startProvisionedNats();
  ticketer = await connectAs(server, "ticketer");
  bucket = await ticketer.bucket("tickets", Value);
}, 30_000);
afterAll(async () => {
  await ticketer.close();
  await server.stop();
});

test("a key is created once, and read with its revision", async () => {
  expect(await bucket.get("s.created")).toBeUndefined();
  const revision = await bucket.create("s.created", { n: 1 });
  expect(await bucket.get("s.created")).toEqual({ value: { n: 1 }, revision });
  expect(await bucket.create("s.created", { n: 1 })).toBe("conflict");
  expect(await bucket.create("s.created", { n: 2 })).toBe("conflict");
});

test("an update needs the newest revision; revision 0 means that there's none yet", async () => {
  const first = await bucket.update("s.updated", { n: 1 }, 0);
  if (first === "conflict") throw new Error("the key was there");
  const second = await bucket.update("s.updated", { n: 2 }, first);
  expect(second).toBeGreaterThan(first);
  expect(await bucket.update("s.updated", { n: 3 }, first)).toBe("conflict");
  expect(await bucket.update("s.updated", { n: 3 }, 0)).toBe("conflict");
  expect(await bucket.get("s.updated")).toEqual({ value: { n: 2 }, revision: second });
});

test("a removed key isn't there, and can be created anew", async () => {
  const revision = await bucket.create("s.removed", { n: 1 });
  if (revision === "conflict") throw new Error("the key was there");
  expect(await bucket.remove("s.removed", revision + 1_000)).toBe("conflict");
  expect(await bucket.remove("s.removed", revision)).toBe("removed");
  expect(await bucket.get("s.removed")).toBeUndefined();
  expect(await bucket.entries("s.removed")).toEqual([]);
  expect(await bucket.create("s.removed", { n: 2 })).toEqual(expect.any(Number));
  expect(await bucket.remove("s.removed")).toBe("removed");
});

test("entries are those under a prefix of whole tokens, without the removed ones", async () => {
  expect(await bucket.entries("nothing")).toEqual([]);
  for (const key of ["list.a.1", "list.a.2", "list.ab.1", "list.gone"]) await bucket.create(key, { n: 1 });
  await bucket.remove("list.gone");
  expect((await bucket.entries("list.a")).map(({ key }) => key)).toEqual(["list.a.1", "list.a.2"]);
  expect((await bucket.entries("list")).map(({ key }) => key)).toEqual(["list.a.1", "list.a.2", "list.ab.1"]);
  expect((await bucket.entries()).length).toBeGreaterThanOrEqual(3);
});

test("more entries than a batch holds", { timeout: 30_000 }, async () => {
  const keys = Array.from({ length: 1_200 }, (_, at) => `many.k${at}`);
  await Promise.all(keys.map((key, n) => bucket.create(key, { n })));
  expect((await bucket.entries("many")).map(({ value }) => value.n).sort((a, b) => a - b)).toEqual(
    keys.map((_, n) => n),
  );
});

test("entries that expire while they are listed are no reason to wait", async () => {
  await using observer = await connectAs(server, "observer");
  const leases = await observer.bucket("leases", Value);
  await Promise.all(Array.from({ length: 20 }, (_, n) => leases.create(`observer.s${n}`, { n })));
  expect(await leases.entries()).toHaveLength(20);
  await until(async () => (await leases.entries()).length === 0, "the leases expired");
  expect(await leases.get("observer.s0")).toBeUndefined();
  expect(await leases.create("observer.s0", { n: 1 })).toEqual(expect.any(Number));
});

test.for(["", "a..b", ".a", "a.", "a b", "a:b", "a*", ">", "ä"])("%j is no key", async (key) => {
  await expect(bucket.get(key)).rejects.toMatchObject({ code: "BAD_KEY" });
  await expect(bucket.create(key, { n: 1 })).rejects.toMatchObject({ code: "BAD_KEY" });
});

test("a value that its schema doesn't allow is neither written nor read", async () => {
  await expect(bucket.create("s.bad", { n: 0.5 })).rejects.toMatchObject({ code: "BAD_VALUE" });
  const loose = await ticketer.bucket("tickets", z.object({ n: z.string() }));
  await loose.create("s.bad", { n: "text" });
  await expect(bucket.get("s.bad")).rejects.toMatchObject({
    code: "BAD_VALUE",
    message: expect.stringContaining("s.bad"),
  });
});

test("a bucket that nobody provisioned is an error that says so", { timeout: 60_000 }, async () => {
  await using own = await startProvisionedNats();
  await using admin = await connectAs(own, "provision");
  await admin.link.api.streams.delete("KV_tickets");
  await using late = await connectAs(own, "ticketer");
  const opening = late.bucket("tickets", Value);
  await provision(admin);
  expect(await (await opening).get("s.x")).toBeUndefined();
});

test.for(["create", "update", "remove"] as const)(
  "%s whose acknowledgement was lost is a success, not a conflict with itself",
  { timeout: 30_000 },
  async (verb) => {
    await using proxy = await CuttingProxy.start(server.port);
    await using far = await connectAs({ url: proxy.url, passwords: server.passwords }, "ticketer");
    const cut = await far.bucket("tickets", Value);
    const key = `lost.${verb}`;
    const before = verb === "create" ? 0 : await bucket.create(key, { n: 1 });
    if (before === "conflict") throw new Error("the key was there");
    const lost = proxy.loseAnswerTo(`$KV.tickets.${key}`);
    const done =
      verb === "create"
        ? cut.create(key, { n: 2 })
        : verb === "update"
          ? cut.update(key, { n: 2 }, before)
          : cut.remove(key, before);
    await lost;
    if (verb === "remove") {
      expect(await done).toBe("removed");
      expect(await bucket.get(key)).toBeUndefined();
    } else expect(await bucket.get(key)).toEqual({ value: { n: 2 }, revision: await done });
  },
);

test(
  "after a lost acknowledgement, another's equal write is a conflict all the same",
  { timeout: 30_000 },
  async () => {
    await using proxy = await CuttingProxy.start(server.port);
    await using far = await connectAs({ url: proxy.url, passwords: server.passwords }, "ticketer");
    const cut = await far.bucket("tickets", Value);
    const revision = await bucket.create("lost.race", { n: 1 });
    if (revision === "conflict") throw new Error("the key was there");
    // The answer that is lost is a refusal: somebody else wrote the same value before.
    await bucket.update("lost.race", { n: 2 }, revision);
    const lost = proxy.loseAnswerTo("$KV.tickets.lost.race");
    const done = cut.update("lost.race", { n: 2 }, revision);
    await lost;
    expect(await done).toBe("conflict");
  },
);

test("change reads, changes and writes until nobody was faster", { timeout: 60_000 }, async () => {
  expect(await bucket.change("s.counter", () => undefined)).toBeUndefined();
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let at = 0; at < 10; at++) await bucket.change("s.counter", (now) => ({ n: (now?.n ?? 0) + 1 }), 200);
    }),
  );
  expect((await bucket.get("s.counter"))?.value).toEqual({ n: 100 });
  expect(await bucket.change("s.counter", () => undefined)).toMatchObject({ value: { n: 100 } });
});

test("change gives up after so many tries, and says on which key", async () => {
  await bucket.create("s.contended", { n: 1 });
  const contended = bucket.change(
    "s.contended",
    (now) => {
      // Another one is always faster.
      ticketer.link.connection.publish("$KV.tickets.s.contended", JSON.stringify(now));
      return { n: 0 };
    },
    3,
  );
  await expect(contended).rejects.toMatchObject({
    code: "CONTENTION",
    message: expect.stringContaining("s.contended"),
  });
});

test("the bus killed under compare-and-set: no write is lost, none is done twice", { timeout: 60_000 }, async () => {
  await using own = await startProvisionedNats();
  await using bus = await connectAs(own, "ticketer");
  const counters = await bus.bucket("tickets", Value);
  let done = 0;
  const counting = Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let at = 0; at < 100; at++) {
        await counters.change("counter", (now) => ({ n: (now?.n ?? 0) + 1 }), 500);
        done++;
      }
    }),
  );
  for (const half of [100, 200]) {
    await until(() => done >= half);
    await own.restart();
  }
  await counting;
  expect((await counters.get("counter"))?.value).toEqual({ n: 400 });
});

test(
  "a scan gives all in batches, what was written after a revision, and says what it can't read",
  { timeout: 30_000 },
  async () => {
    await using ticketer = await connectAs(server, "ticketer");
    const scanned = await ticketer.bucket("tickets", Value);
    const keys = Array.from({ length: 600 }, (_, at) => `scan.k${at}`);
    await Promise.all(keys.map((key, n) => scanned.create(key, { n })));
    const batches = await all(scanned.scan());
    expect(batches.length).toBeGreaterThan(1);
    const found = batches.flat().map(({ key }) => key);
    expect(found.filter((key) => key.startsWith("scan.")).sort()).toEqual([...keys].sort());
    const last = await scanned.lastRevision();
    expect(await all(scanned.scan(last))).toEqual([]);
    await (await ticketer.bucket("tickets", z.unknown())).create("scan.bad", "no object");
    await scanned.remove("scan.k0");
    const revision = await scanned.create("scan.new", { n: 7 });
    expect((await all(scanned.scan(last))).flat()).toEqual([
      { key: "scan.bad", revision: last + 1, unreadable: expect.objectContaining({ code: "BAD_VALUE" }) },
      { key: "scan.new", revision, value: { n: 7 } },
    ]);
  },
);

test("a bucket with history gives every write after a revision, removals and what it can't read included", async () => {
  await using actuator = await connectAs(server, "actuator");
  const kept = await actuator.bucket("control", Value);
  const [first, second] = [
    await kept.create("writes", { n: 1 }),
    (await kept.change("writes", () => ({ n: 2 })))?.revision,
  ];
  if (first === "conflict" || second === undefined) throw new Error("the key was there");
  await kept.remove("writes");
  await (await actuator.bucket("control", z.unknown())).create("writes", "no object");
  const unreadable = expect.objectContaining({ code: "BAD_VALUE" });
  const after = [
    { key: "writes", revision: second, value: { n: 2 } },
    { key: "writes", revision: second + 1, removed: true },
    { key: "writes", revision: second + 2, unreadable },
  ];
  expect(await kept.writes(first)).toEqual(after);
  expect(await kept.writes(0)).toEqual([{ key: "writes", revision: first, value: { n: 1 } }, ...after]);
});

test("who may write a key with history can't take its earlier writes away", async () => {
  await using cli = await connectAs(server, "cli");
  const kept = await cli.bucket("control", Value);
  for (const n of [1, 2]) await kept.change("rolled", () => ({ n }));
  const rollUp = headers();
  rollUp.set("Nats-Rollup", "sub");
  const answer = await cli.link.connection.request("$KV.control.rolled", '{"n":3}', {
    headers: rollUp,
    timeout: 3_000,
  });
  expect(answer.string()).toContain("rollup not permitted");
  expect((await kept.writes(0)).filter(({ key }) => key === "rolled")).toHaveLength(2);
});

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

import { setTimeout as wait } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { InstanceName } from "@operator/contracts/names";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { until } from "@operator/subject/probe.fixture";
import { afterEach, beforeEach, expect, test } from "vitest";
import { holdLease, LeaseEntry, type LeaseNews } from "./lease.ts";

let nats: NatsServer;
const running = new Set<Holder>();
beforeEach(async () => {
  nats = await startProvisionedNats();
});
afterEach(async () => {
  await Promise.all([...running].map((holder) => holder.stop()));
  running.clear();
  await nats.stop();
});

interface Holder {
  news: string[];
  epoch: () => number | undefined;
  remainingMs: () => number;
  bus: Bus;
  stop: () => Promise<void>;
}

async function startHolder(name: string): Promise<Holder> {
  const bus = await Bus.connect({
    servers: nats.url,
    user: "observer",
    password: nats.passwords.observer,
    instance: InstanceName.parse(name),
  });
  const bucket = await bus.bucket("leases", LeaseEntry);
  const stopping = new AbortController();
  const news: string[] = [];
  let epoch: number | undefined;
  let remainingMs = () => 0;
  const ended = holdLease({
    bucket,
    key: "observer.s",
    instance: bus.instance,
    signal: stopping.signal,
    news: (said: LeaseNews) => news.push(said.kind === "lost" ? `lost: ${said.why}` : said.kind),
    whileHeld: async (held) => {
      epoch = held.epoch;
      remainingMs = held.remainingMs;
      await new Promise<void>((resolve) => held.signal.addEventListener("abort", () => resolve(), { once: true }));
      epoch = undefined;
    },
  });
  const holder: Holder = {
    news,
    epoch: () => epoch,
    remainingMs: () => remainingMs(),
    bus,
    stop: async () => {
      running.delete(holder);
      stopping.abort();
      await ended;
      await bus.close();
    },
  };
  running.add(holder);
  return holder;
}

test("one is active, the other stands by; it takes over at once with a higher epoch when the first stops", async () => {
  const first = await startHolder("observer-1");
  await until("the first is active", () => first.epoch() !== undefined);
  const second = await startHolder("observer-2");
  await until("the second stands by", () => second.news.includes("standing-by"));
  const epoch = first.epoch() ?? 0;
  const bucket = await second.bus.bucket("leases", LeaseEntry);
  await first.stop();
  // Nobody has to wait until the bucket forgets it.
  expect((await bucket.get("observer.s"))?.value.instance).not.toBe("observer-1");
  await until("the second is active", () => second.epoch() !== undefined);
  expect(second.epoch()).toBeGreaterThan(epoch);
  expect(first.news).toEqual(["active", "given-back"]);
  expect(second.news).toEqual(["standing-by", "active"]);
});

test("a lease is kept for longer than the bucket keeps an entry, with the epoch of its creation", async () => {
  const first = await startHolder("observer-1");
  await until("it's active", () => first.epoch() !== undefined);
  const epoch = first.epoch();
  const second = await startHolder("observer-2");
  const untilMs = performance.now() + 3_000;
  await until("three seconds are over", () => performance.now() > untilMs);
  expect(first.epoch()).toBe(epoch);
  expect(first.remainingMs()).toBeGreaterThan(0);
  expect(second.epoch()).toBeUndefined();
});

test("two never hold it at the same time, whoever stops", async () => {
  const holders = await Promise.all([1, 2, 3].map((n) => startHolder(`observer-${n}`)));
  const epochs: number[] = [];
  for (const round of [1, 2, 3]) {
    await until(`one is active in round ${round}`, () => holders.some((holder) => holder.epoch() !== undefined));
    const active = holders.filter((holder) => holder.epoch() !== undefined);
    expect(active).toHaveLength(1);
    for (const holder of active) {
      epochs.push(holder.epoch() ?? 0);
      await holder.stop();
      holders.splice(holders.indexOf(holder), 1);
    }
  }
  expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
  expect(new Set(epochs).size).toBe(3);
});

test("a bus that is away costs the lease, and it's taken again with a higher epoch when it's back", async () => {
  const holder = await startHolder("observer-1");
  await until("it's active", () => holder.epoch() !== undefined);
  const epoch = holder.epoch() ?? 0;
  await nats.kill();
  await until("it's lost", () => holder.news.includes("lost: not-renewed"));
  expect(holder.remainingMs()).toBe(0);
  await nats.restart();
  await until("it's active again", () => holder.epoch() !== undefined, 20_000);
  expect(holder.epoch()).toBeGreaterThan(epoch);
});

test("an entry that another wrote is a lost lease", async () => {
  const holder = await startHolder("observer-1");
  await until("it's active", () => holder.epoch() !== undefined);
  const bucket = await holder.bus.bucket("leases", LeaseEntry);
  const intruder: LeaseEntry = { instance: InstanceName.parse("intruder"), tenure: "x", beat: 0 };
  await bucket.change("observer.s", () => intruder);
  await until("it's lost", () => holder.news.includes("lost: taken"));
  // What isn't ours isn't removed: the intruder's entry ends by its age.
  expect((await bucket.get("observer.s"))?.value).toEqual(intruder);
});

test("stopping while the bus is away doesn't wait until it's back", async () => {
  const holder = await startHolder("observer-1");
  await until("it's active", () => holder.epoch() !== undefined);
  await nats.kill();
  let stopped = false;
  void holder.stop().then(() => (stopped = true));
  await until("it has stopped", () => stopped);
});

test("an error of the work itself isn't taken for one of the bus", async () => {
  await using bus = await Bus.connect({
    servers: nats.url,
    user: "observer",
    password: nats.passwords.observer,
    instance: InstanceName.parse("observer-1"),
  });
  const broken = holdLease({
    bucket: await bus.bucket("leases", LeaseEntry),
    key: "observer.s",
    instance: bus.instance,
    signal: new AbortController().signal,
    news: () => {},
    whileHeld: () => Promise.reject(new Error("a broken assumption")),
  });
  await expect(broken).rejects.toThrow("a broken assumption");
});

test("a lease whose creation took longer than it lasts is none: it's given back and taken anew", async () => {
  await using bus = await Bus.connect({
    servers: nats.url,
    user: "observer",
    password: nats.passwords.observer,
    instance: InstanceName.parse("observer-1"),
  });
  const bucket = await bus.bucket("leases", LeaseEntry);
  const create = bucket.create.bind(bucket);
  const created: (number | "conflict")[] = [];
  bucket.create = async (key, entry) => {
    const revision = await create(key, entry);
    created.push(revision);
    // The first word of the bus comes late.
    if (created.length === 1) await wait(1_600);
    return revision;
  };
  const stop = new AbortController();
  const held: { epoch: number; remainingMs: number }[] = [];
  await holdLease({
    bucket,
    key: "observer.s",
    instance: bus.instance,
    signal: stop.signal,
    news: () => {},
    whileHeld: async ({ epoch, remainingMs }) => {
      held.push({ epoch, remainingMs: remainingMs() });
      stop.abort();
    },
  });
  expect(held).toEqual([{ epoch: created.findLast((one) => one !== "conflict"), remainingMs: expect.any(Number) }]);
  expect(held[0]?.epoch).not.toBe(created[0]);
  expect(held[0]?.remainingMs).toBeGreaterThan(0);
});

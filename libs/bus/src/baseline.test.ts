import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { RawLine, relay } from "./baseline-hops.ts";
import { rawCompareAndSet } from "./baseline-writes.ts";

const places = {
  first: { stream: "SNAPSHOTS", address: "operator.snapshot.raw.full" },
  second: { stream: "VIOLATIONS", address: "operator.violation.raw.raw.raw" },
  last: { stream: "TICKETS", address: "operator.ticket.raw.raw.raw.1" },
};

test("three raw hops deliver each message once, in order, and compare-and-set writes to the bucket", async () => {
  await using server = await startProvisionedNats();
  const at = { servers: server.url, user: "provision", password: server.passwords.provision };
  const stop = new AbortController();
  const ready = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const relays = [
    relay(at, { from: places.first, to: places.second, bytes: 400, onReady: ready[0].resolve, signal: stop.signal }),
    relay(at, { from: places.second, to: places.last, bytes: 900, onReady: ready[1].resolve, signal: stop.signal }),
  ];
  await Promise.all(ready.map(({ promise }) => promise));

  const wanted = Array.from({ length: 100 }, (_, index) => index);
  const arrived: number[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const onArrival = (index: number) => {
    arrived.push(index);
    if (arrived.length === wanted.length) resolve();
  };
  await using line = await RawLine.open(at, { first: places.first, last: places.last, bytes: 3_000, onArrival });
  for (const index of wanted) await line.send(index);
  await all;
  expect(arrived).toEqual(wanted);
  stop.abort();
  await Promise.all(relays);
});

test("raw compare-and-set writes to the bucket until its time is over, and nothing once the signal fired", async () => {
  await using server = await startProvisionedNats();
  const at = { servers: server.url, user: "ticketer", password: server.passwords.ticketer };
  const given = { bucket: "tickets", keyPrefix: "raw.raw.t", bytes: 1_000, concurrency: 16, durationMs: 200 };
  expect(await rawCompareAndSet(at, { ...given, signal: AbortSignal.abort() })).toBe(0);
  expect(await rawCompareAndSet(at, { ...given, signal: new AbortController().signal })).toBeGreaterThan(0);
});

import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { z } from "zod";
import { Bus } from "./bus.ts";
import { readInOrder } from "./read-in-order.ts";

test("thin", { timeout: 30_000 }, async () => {
  await using server = await startProvisionedNats();
  const connect = (user: "observer" | "checker" | "ticketer") =>
    Bus.connect({
      servers: server.url,
      user,
      password: server.passwords[user],
      instance: InstanceName.parse(`${user}-1`),
      log: console.log,
    });
  await using observer = await connect("observer");
  await using checker = await connect("checker");
  const snapshot = (n: number) =>
    Snapshot.parse({
      subject: "s",
      epoch: 1,
      n,
      atMs: n,
      cause: "rhythm",
      sources: {},
      parts: {},
    });
  expect(await observer.publish(flow.snapshot, snapshot(1))).toEqual({ sequence: 1, stored: "new" });
  expect(await observer.publish(flow.snapshot, snapshot(1))).toEqual({ sequence: 1, stored: "repeat" });
  expect(await observer.publish(flow.snapshot, snapshot(2))).toEqual({ sequence: 2, stored: "new" });
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const batch of readInOrder(checker, flow.snapshot, {
    from: "first",
    signal: stop.signal,
    given: { subject: "s" },
  })) {
    seen.push(...batch.received.map(({ message }) => message.n));
    if (batch.caughtUp) break;
  }
  expect(seen).toEqual([1, 2]);
  const bucket = await checker.bucket("checks", z.object({ a: z.number() }));
  expect(await bucket.create("s.x", { a: 1 })).toBe(1);
  expect(await bucket.create("s.x", { a: 1 })).toBe("conflict");
  expect(await bucket.update("s.x", { a: 2 }, 1)).toBe(2);
  expect(await bucket.entries()).toEqual([{ key: "s.x", value: { a: 2 }, revision: 2 }]);
  expect(await bucket.entries("s")).toEqual([{ key: "s.x", value: { a: 2 }, revision: 2 }]);
  expect(await bucket.entries("t")).toEqual([]);
});

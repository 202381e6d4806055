import { Bus } from "@operator/bus/bus";
import { BusError } from "@operator/bus/failure";
import { traceId } from "@operator/bus/trace";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contextOf } from "./context.fixture.ts";
import { fold } from "./fold.ts";

let server: NatsServer;
let observer: Bus;
let checker: Bus;

beforeAll(async () => {
  server = await startProvisionedNats();
  const connect = (user: "observer" | "checker") =>
    Bus.connect({
      servers: server.url,
      user,
      password: server.passwords[user],
      instance: InstanceName.parse(`${user}-1`),
    });
  [observer, checker] = await Promise.all([connect("observer"), connect("checker")]);
  for (const n of [1, 2]) {
    const about = { subject: "s", epoch: 1, n, atMs: Date.now() - 2_000, cause: "rhythm", sources: {}, parts: {} };
    await observer.publish(flow.snapshot, Snapshot.parse(about));
  }
}, 30_000);
afterAll(async () => {
  await Promise.all([observer.close(), checker.close()]);
  await server.stop();
});

const eventTime = ({ atMs }: Snapshot) => atMs;

test("when the bus was away, the same batch is handled again", async () => {
  const stop = new AbortController();
  const context = contextOf(checker, stop.signal);
  const seen: number[] = [];
  let tries = 0;
  await fold(context, flow.snapshot, {
    from: "first",
    batchMax: 1,
    eventTime,
    handle: async ({ received }) => {
      if (received[0]?.message.n === 1 && ++tries < 3) throw new BusError("BUS_AWAY", "gave up after 30 s");
      seen.push(...received.map(({ message }) => message.n));
      if (seen.length === 2) stop.abort();
    },
  });
  expect(seen).toEqual([1, 2]);
  expect(tries).toBe(3);
  expect(context.lines).toContainEqual(expect.objectContaining({ msg: "the bus is away, handling the same again" }));
});

test("any other throw ends the fold", async () => {
  const context = contextOf(checker, new AbortController().signal);
  const folding = fold(context, flow.snapshot, {
    from: "first",
    eventTime,
    handle: async () => {
      throw new BusError("BAD_VALUE", "an assumption is broken");
    },
  });
  await expect(folding).rejects.toThrow("an assumption is broken");
});

test("what a handler throws because it was stopped is no failure", async () => {
  const stop = new AbortController();
  const context = contextOf(checker, stop.signal);
  await fold(context, flow.snapshot, {
    from: "first",
    eventTime,
    handle: async () => {
      stop.abort(new Error("stopping"));
      stop.signal.throwIfAborted();
    },
  });
});

test("a batch is handled in its newest message's trace, which the log's lines carry, and its lag is measured", async () => {
  const stop = new AbortController();
  const context = contextOf(checker, stop.signal);
  let trace: string | undefined;
  await fold(context, flow.snapshot, {
    from: "last",
    eventTime,
    handle: async ({ received }) => {
      trace = received.at(-1)?.traceparent?.split("-")[1];
      expect(traceId()).toBe(trace);
      context.log.info({ ticket: "s.a.b.1" }, "handled");
      stop.abort();
    },
  });
  expect(context.lines).toContainEqual(expect.objectContaining({ msg: "handled", trace, ticket: "s.a.b.1" }));
  const text = await context.metrics.registry.getSingleMetricAsString("operator_event_lag_seconds");
  expect(Number(/\} (\S+)/.exec(text)?.[1])).toBeGreaterThanOrEqual(2);
});

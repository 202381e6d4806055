import { randomBytes } from "node:crypto";
import { DeliverPolicy } from "@nats-io/jetstream";
import { flow } from "@operator/contracts/flow";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { connectAs, connectRaw, until, violationOf } from "./bus.fixture.ts";
import { OrderedPull } from "./ordered-pull.ts";

const all = { deliver_policy: DeliverPolicy.All } as const;
const mebibyte = 1024 * 1024;

/** Time for a reader that would ask for more to get it, many times over: each flush is a round trip. */
async function roundTrips(bus: Bus): Promise<void> {
  for (let n = 0; n < 50; n++) await bus.link.connection.flush();
}

test("who takes nothing is sent one batch, and all the rest when it's taken", { timeout: 30_000 }, async () => {
  await using server = await startProvisionedNats();
  await using checker = await connectAs(server, "checker");
  await using ticketer = await connectAs(server, "ticketer");
  for (let asOf = 1; asOf <= 20; asOf++) await checker.publish(flow.violation, violationOf("s", "a", asOf));
  const filter = "operator.violation.*.*.*";
  using pull = await OrderedPull.start(ticketer.link, "VIOLATIONS", filter, all, { batchMax: 3 });
  await until(() => pull.queue.length > 0);
  await roundTrips(ticketer);
  expect(pull.queue).toHaveLength(3);
  const taken: number[] = [];
  await until(() => {
    taken.push(...pull.take().map(({ sequence }) => sequence));
    expect(pull.queue.length).toBeLessThanOrEqual(3);
    return taken.length === 20;
  });
  expect(taken).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
});

test("who takes nothing of large messages is sent no more than twice 32 MiB", { timeout: 60_000 }, async () => {
  await using server = await startProvisionedNats();
  const raw = await connectRaw(server, "provision");
  const body = randomBytes(4 * mebibyte);
  for (let n = 0; n < 24; n++) await raw.request("operator.snapshot.s.full", body, { timeout: 10_000 });
  await raw.close();
  await using checker = await connectAs(server, "checker");
  const filter = "operator.snapshot.*.full";
  using pull = await OrderedPull.start(checker.link, "SNAPSHOTS", filter, all, { batchMax: 512 });
  await until(() => pull.queue.length >= 8);
  await roundTrips(checker);
  expect(pull.queue.length * body.length).toBeLessThanOrEqual(64 * mebibyte);
  let taken = 0;
  await until(() => (taken += pull.take().length) === 24);
});

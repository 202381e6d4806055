import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { flow } from "@operator/contracts/flow";
import { TargetName } from "@operator/contracts/names";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { createLogger } from "@operator/service/log";
import { Silences } from "@operator/service/silences";
import { expect, test } from "vitest";
import { z } from "zod";
import { saying, violation } from "./events.fixture.ts";
import { Sender } from "./sender.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";
import { Tickets } from "./tickets.ts";

test("a stream of jobs that takes no more hinders neither events nor other tickets, and gets its job when it does", async () => {
  await using loop = await Ticketers.start();
  const provision = await loop.as("provision");
  const { streams } = provision.link.api;
  await streams.update("JOBS", { max_msgs: 1 });
  // No sweep comes to help: one unreadable ticket is enough that the tickets can't be listed.
  const raw = await (await loop.as("ticketer")).bucket("tickets", z.unknown());
  await raw.create("ratelimiter.unreadable.node-a", {});
  const tickets = async () => {
    const found = await Promise.all(["node-a", "node-b"].map((name) => raw.get(`ratelimiter.node_down.${name}`)));
    return found.flatMap((entry) => (entry ? [Ticket.parse(entry.value)] : []));
  };
  await loop.ticketer();
  const checker = await loop.as("checker");
  const about = (name: string) => ({ target: TargetName.parse(name) });
  await checker.publish(flow.violation, violation(1, about("node-a")));
  await until("the first job is sent", tickets, ([ticket]) => ticket?.sent.attempt === 1);

  await checker.publish(flow.violation, violation(1, about("node-b")));
  const [, refused] = await until("the second is told", tickets, ([, ticket]) => ticket?.sent.revision === 1);
  expect(refused?.sent.attempt).toBe(0);
  await checker.publish(flow.violation, violation(2, { ...about("node-a"), state: "cleared" }));
  await until("the first is closed", tickets, ([ticket]) => ticket?.sent.revision === 2);

  const log = join(loop.folder, "ticketer-1.log");
  await until(
    "the ticketer gave up twice for now",
    () => readFile(log, "utf8"),
    (text) => text.split("not sent, trying again").length > 2,
  );
  await streams.update("JOBS", { max_msgs: -1 });
  const [, given] = await until("the second job is sent", tickets, ([, ticket]) => ticket?.sent.attempt === 1);
  expect(given && (await loop.job(given))).toMatchObject({ attempt: 1 });
});

test("what another wrote is left to it for a second; then 16 tickets are sent at a time, until all are", async () => {
  await using loop = await Ticketers.start();
  const { sender, written, reads } = await sendingHere(loop, 40);
  const fromMs = Date.now();
  for (const ticket of written) sender.look(ticket, "anybody's");
  const tick = async () => {
    sender.tick();
    return await loop.tickets();
  };
  await until("all are sent", tick, (tickets) =>
    tickets.every(({ sent }) => sent.revision === 1 && sent.attempt === 1),
  );
  expect((reads.beganMs[0] ?? 0) - fromMs).toBeGreaterThanOrEqual(1_000);
  expect(reads.most).toBe(16);
  expect(await loop.all(flow.ticket)).toHaveLength(40);
});

test("our own is sent at once, and a reader waits while more than 256 wait to be", async () => {
  await using loop = await Ticketers.start();
  const { sender, written, reads } = await sendingHere(loop, 300);
  sender.tick();
  for (const ticket of written) sender.look(ticket, "ours");
  expect(reads.beganMs).toHaveLength(16);
  await sender.room();
  expect(reads.beganMs.length).toBeGreaterThanOrEqual(300 - 256);
  await until(
    "all are sent",
    () => loop.tickets(),
    (tickets) => tickets.every(({ sent }) => sent.revision === 1),
  );
});

test("a stop waits for what is under way, and begins nothing more", async () => {
  await using loop = await Ticketers.start();
  const { sender, written, reads, stop } = await sendingHere(loop, 20);
  sender.tick();
  for (const ticket of written) sender.look(ticket, "ours");
  stop.abort();
  expect(reads.underWay).toBe(16);
  await sender.settled();
  expect(reads.underWay).toBe(0);
  sender.tick();
  expect(reads.beganMs).toHaveLength(16);
});

/** A sender in this process, so many tickets that it hasn't seen, and what it reads of them in the real bucket. */
async function sendingHere(loop: Ticketers, count: number) {
  const bus = await loop.as("ticketer");
  const bucket = await bus.bucket("tickets", Ticket);
  const written: Ticket[] = [];
  const writing = new Tickets(bucket, { written: (ticket) => written.push(ticket), read: () => {} });
  const said = Array.from({ length: count }, (_, n) => violation(1, { target: TargetName.parse(`node-${n}`) }));
  await Promise.all(said.map((each) => writing.fold(violationKeyOf(each), () => [saying(each)])));

  const reads = { beganMs: [] as number[], underWay: 0, most: 0 };
  const get = async (key: string) => {
    reads.beganMs.push(Date.now());
    reads.most = Math.max(reads.most, ++reads.underWay);
    try {
      return await bucket.get(key);
    } finally {
      reads.underWay -= 1;
    }
  };
  const counted = {
    get,
    create: bucket.create.bind(bucket),
    update: bucket.update.bind(bucket),
    scan: bucket.scan.bind(bucket),
  };
  const log = createLogger({ service: "ticketer", instance: "test", level: "silent", secrets: [] });
  const stop = new AbortController();
  const sender = new Sender({
    bus,
    tickets: new Tickets(counted, { written: () => {}, read: () => {} }),
    silences: await Silences.open(bus, log),
    log,
    signal: stop.signal,
  });
  return { sender, written, reads, stop };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { flow } from "@operator/contracts/flow";
import { TargetName } from "@operator/contracts/names";
import { Ticket } from "@operator/contracts/ticket";
import { expect, test } from "vitest";
import { z } from "zod";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

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

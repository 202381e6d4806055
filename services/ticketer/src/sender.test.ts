import { flow } from "@operator/contracts/flow";
import { TargetName } from "@operator/contracts/names";
import { expect, test } from "vitest";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

test("a stream of jobs that takes no more hinders neither events nor other tickets, and gets its job when it does", async () => {
  await using loop = await Ticketers.start();
  const provision = await loop.as("provision");
  const { streams } = provision.link.api;
  await streams.update("JOBS", { max_msgs: 1 });
  await loop.ticketer();
  const checker = await loop.as("checker");
  const about = (name: string) => ({ target: TargetName.parse(name) });
  await checker.publish(flow.violation, violation(1, about("node-a")));
  await until(
    "the first job is sent",
    () => loop.tickets(),
    ([ticket]) => ticket?.sent.attempt === 1,
  );

  await checker.publish(flow.violation, violation(1, about("node-b")));
  const [, refused] = await until(
    "the second is told",
    () => loop.tickets(),
    ([, ticket]) => ticket?.sent.revision === 1,
  );
  expect(refused?.sent.attempt).toBe(0);
  await checker.publish(flow.violation, violation(2, { ...about("node-a"), state: "cleared" }));
  await until(
    "the first is closed",
    () => loop.tickets(),
    ([ticket]) => ticket?.sent.revision === 2,
  );

  await streams.update("JOBS", { max_msgs: -1 });
  await until(
    "the second job is sent",
    () => loop.tickets(),
    ([, ticket]) => ticket?.sent.attempt === 1,
  );
  expect((await provision.streamState("JOBS")).messages).toBe(2);
});

import { work } from "@operator/bus/work";
import { provision } from "@operator/bus/provision";
import { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { expect, test } from "vitest";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

test("a job that was answered while no ticketer was there isn't sent again, however long the answers take to read", async () => {
  await using loop = await Ticketers.start();
  const [admin, checker, diagnoser] = [
    await loop.as("provision"),
    await loop.as("checker"),
    await loop.as("diagnoser"),
  ];
  const { streams } = admin.link.api;
  // As it is later than two minutes after: the bus doesn't remember any more that it had this job (nanoseconds).
  await streams.update("JOBS", { duplicate_window: 100e6 });
  const victim = await loop.ticketer({ OPERATOR_FAILPOINT: "after publish:job#1" });
  await checker.publish(flow.violation, violation(1));
  await victim.exited;
  expect((await loop.tickets())[0]?.sent.attempt, "it doesn't know that it was sent").toBe(0);

  // Before the answer lies what can't be read, and can't be made a dead letter either: nothing behind it is read.
  await streams.delete("DEAD");
  await admin.link.ask("operator.diagnosis.ratelimiter.node_down.node-z.1.1.started", "?", { timeoutMs: 2_000 });
  const stop = new AbortController();
  await work(diagnoser, "diagnoser-critical", flow.job, {
    signal: stop.signal,
    handle: async ({ message: { subject, ticket, attempt } }) => {
      const result = { kind: "failed", code: "NO_IDEA", message: "none" };
      const said = { phase: "finished", subject, ticket, attempt, by: diagnoser.instance, atMs: Date.now(), result };
      await diagnoser.publish(flow.diagnosis, DiagnosisEvent.parse(said));
      stop.abort();
    },
    exhausted: async () => {},
  });
  const [known] = await loop.tickets();
  if (!known) throw new Error("there is no ticket");
  expect(await loop.job(known, 1), "it was taken").toBeUndefined();

  // A word on the same ticket meanwhile is no reason either.
  await checker.publish(flow.violation, violation(6));
  const ready = loop.ticketer();
  ready.catch(() => {});
  // Told after 5 s without a word of the checker: by then it would have sent all that it holds for unsent.
  await until(
    "it has been at work for 5 s",
    () => loop.tickets(),
    (tickets) => tickets.some(({ invariant }) => invariant === "checker_silent"),
  );
  expect(await loop.job(known, 1), "it wasn't sent again").toBeUndefined();
  await provision(admin);
  await ready;
  await until(
    "it has taken the answer, and asked again",
    () => loop.job(known, 2),
    (job) => job !== undefined,
  );
  expect(await loop.job(known, 1)).toBeUndefined();
}, 60_000);

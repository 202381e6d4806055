import { flow } from "@operator/contracts/flow";
import { Verdicts } from "@operator/contracts/verdicts";
import { expect, test } from "vitest";
import { Ticketers, until } from "./ticketers.fixture.ts";

const verdicts = (asOf: number) => Verdicts.parse({ subject: "ratelimiter", asOf, lines: [] });

test("a checker that never spoke, a bus that was away, a checker that fell silent and came back", async () => {
  await using loop = await Ticketers.start();
  const startedMs = Date.now();
  await Promise.all([loop.ticketer(), loop.ticketer()]);
  const [checker, provision] = [await loop.as("checker"), await loop.as("provision")];

  // Longer than a silence takes, and the ticketers can't see: no news of the checker.
  await loop.nats.kill();
  const awayMs = Date.now();
  await until(
    "the bus was away for longer than a silence",
    async () => Date.now() - awayMs,
    (ms) => ms > 5_500,
  );
  await loop.nats.restart();
  const backMs = Date.now();

  const [ticket] = await until(
    "the silence is a ticket, sent",
    () => loop.tickets(),
    ([ticket]) => ticket?.sent.attempt === 1,
  );
  expect(Date.now() - backMs, "a silence takes 5 s that the ticketers could see").toBeGreaterThan(4_500);
  expect(ticket).toMatchObject({
    id: "ratelimiter.checker_silent.checker.1",
    status: "open",
    severity: "critical",
    revision: 1,
  });
  expect(ticket?.openedAtMs).toBeGreaterThan(startedMs + 4_999);
  expect(ticket?.openedAtMs).toBeLessThan(awayMs + 5_000);

  let asOf = Date.now();
  const closed = await until(
    "verdicts come again and the ticket closes",
    async () => {
      if (Date.now() - asOf >= 1_000) await checker.publish(flow.verdicts, verdicts((asOf = Date.now())));
      return await loop.tickets();
    },
    ([ticket]) => ticket?.status === "closed" && ticket.sent.revision === ticket.revision,
  );
  expect(closed).toMatchObject([{ generation: 1, closedBy: "observation", violation: { state: "cleared" } }]);

  const again = await until(
    "the second silence is the next ticket",
    () => loop.tickets(),
    (tickets) => tickets.length === 2 && tickets.every(({ sent }) => sent.attempt === 1),
  );
  expect(again.find(({ generation }) => generation === 2)).toMatchObject({ status: "open", openedAtMs: asOf + 5_000 });
  const events = await loop.all(flow.ticket);
  expect(events.filter(({ generation }) => generation === 1)).toHaveLength(2);
  expect((await provision.streamState("JOBS")).messages).toBe(2);
}, 120_000);

test("a ticketer that was frozen itself doesn't take that for a silence of the checker", async () => {
  await using loop = await Ticketers.start();
  const ticketer = await loop.ticketer();
  const checker = await loop.as("checker");
  let asOf = 0;
  const speak = async () => {
    if (Date.now() - asOf >= 1_000) await checker.publish(flow.verdicts, verdicts((asOf = Date.now())));
    return Date.now();
  };
  const spokenFor = async (ms: number) => {
    const fromMs = Date.now();
    await until(`the checker spoke for ${ms} ms`, speak, (nowMs) => nowMs - fromMs > ms);
  };
  await spokenFor(500);
  ticketer.signal("SIGSTOP");
  await spokenFor(6_000);
  ticketer.signal("SIGCONT");
  await spokenFor(1_500);
  expect(await loop.tickets()).toEqual([]);
});

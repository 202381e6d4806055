import { flow } from "@operator/contracts/flow";
import { TargetName } from "@operator/contracts/names";
import { Silence } from "@operator/contracts/silence";
import { expect, test } from "vitest";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

test("a silenced ticket is opened and told as ever; its job waits until the silence is over", async () => {
  await using loop = await Ticketers.start();
  const nowMs = Date.now();
  const about = { id: "0000aaaa", subject: "ratelimiter", target: "node-a", by: "ada", reason: "a drill" };
  const silence = Silence.parse({ ...about, atMs: nowMs, untilMs: nowMs + 600_000 });
  const silences = await (await loop.as("cli")).bucket("silences", Silence);
  await silences.create(silence.id, silence);
  await loop.ticketer();
  const checker = await loop.as("checker");
  for (const name of ["node-a", "node-b"]) {
    await checker.publish(flow.violation, violation(1, { target: TargetName.parse(name) }));
  }
  // Others come beside it: nobody speaks for the checker, and that is a ticket too.
  const ticketOf = (name: string) => async () => (await loop.tickets()).find(({ target }) => target === name);
  await until("the other's job is sent", ticketOf("node-b"), (ticket) => ticket?.sent.attempt === 1);
  // A later word about it makes the ticketer look at it again.
  await checker.publish(flow.violation, violation(2, { target: TargetName.parse("node-a"), severity: "warning" }));
  const known = await until("its change is told", ticketOf("node-a"), (ticket) => ticket?.sent.revision === 2);
  expect(known).toMatchObject({ status: "open", diagnosis: "queued", sent: { attempt: 0 } });

  await silences.remove(silence.id);
  const heard = await until("its job is sent", ticketOf("node-a"), (ticket) => ticket?.sent.attempt === 1);
  expect(heard && (await loop.job(heard))).toMatchObject({ attempt: 1 });
});

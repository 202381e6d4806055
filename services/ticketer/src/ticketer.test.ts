import { flow } from "@operator/contracts/flow";
import { expect, test } from "vitest";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

test("a violation becomes a ticket with its event and its job, and closes when it clears", async () => {
  await using loop = await Ticketers.start();
  await loop.ticketer();
  const checker = await loop.as("checker");
  await checker.publish(flow.violation, violation(1));
  const [ticket] = await until(
    "the ticket is open and sent",
    () => loop.tickets(),
    ([ticket]) => ticket?.sent.revision === 1 && ticket.sent.attempt === 1,
  );
  expect(ticket).toMatchObject({ id: "ratelimiter.node_down.node-a.1", status: "open", diagnosis: "queued" });
  expect(ticket && (await loop.job(ticket))).toMatchObject({ attempt: 1, ticket: ticket?.id });
  expect(await loop.all(flow.ticket)).toMatchObject([{ revision: 1, reasons: ["first-seen"] }]);

  await checker.publish(flow.violation, violation(9, { state: "cleared" }));
  await until(
    "the closing is sent",
    () => loop.all(flow.ticket),
    (events) => events.length === 2,
  );
  expect(await loop.tickets()).toMatchObject([{ status: "closed", closedBy: "observation" }]);
}, 60_000);

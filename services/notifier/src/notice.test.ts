import { describe, expect, test } from "vitest";
import { noticesOf } from "./notice.ts";
import { closed, closedAtMs, openedAtMs, ticketOf } from "./ticket.fixture.ts";

const bodyOf = (...given: Parameters<typeof noticesOf>): unknown => JSON.parse(noticesOf(...given)[0]?.body ?? "null");

describe("what a ticket's event gives cause to tell", () => {
  test.each([
    ["its opening", ["first-seen"], {}, ["ticket.opened"]],
    ["its escalation", ["ungrounded", "escalated"], {}, ["ticket.escalated"]],
    ["its end by observation", ["cleared"], closed, ["ticket.closed"]],
    ["its end as the target left", ["retired"], closed, ["ticket.closed"]],
    ["its end by a person", ["resolved"], closed, ["ticket.closed"]],
    ["its end when it's let go", ["unheld"], closed, ["ticket.closed"]],
    ["all that happened since the last event", ["first-seen", "cleared"], closed, ["ticket.opened", "ticket.closed"]],
    ["nothing: it cleared, and is held", ["cleared"], {}, []],
    ["nothing: it changed", ["worsened", "diagnosed", "commented"], {}, []],
    ["nothing: a word about a closed one", ["commented"], closed, []],
  ])("%s", (_, reasons, given, types) => {
    const notices = noticesOf(ticketOf("a", 3, reasons, given));
    expect(notices.map(({ id }) => id)).toEqual(types.map((type) => `s.node_down.a.1:${type}`));
  });
});

describe("what it says", () => {
  test("what is broken, since when, and how bad", () => {
    expect(bodyOf(ticketOf("a", 1, ["first-seen"]))).toEqual({
      type: "ticket.opened",
      timestamp: new Date(openedAtMs).toISOString(),
      data: {
        ticket: "s.node_down.a.1",
        subject: "s",
        invariant: "node_down",
        target: "a",
        severity: "critical",
        summary: "a refuses",
        openedAtMs,
      },
    });
  });

  test("of an escalation when it was, of an end when that was", () => {
    const entry = { id: "escalated", atMs: openedAtMs + 50, kind: "escalated", by: "ticketer", text: "look" };
    const escalated = bodyOf(ticketOf("a", 2, ["escalated"], { history: [entry] }));
    expect(escalated).toMatchObject({ timestamp: new Date(openedAtMs + 50).toISOString() });
    const end = bodyOf(ticketOf("a", 3, ["cleared"], closed));
    expect(end).toMatchObject({ timestamp: new Date(closedAtMs).toISOString(), data: { closedAtMs } });
  });

  test("the headline of the newest answer, and where people find the ticket", () => {
    const attempt = (n: number, headline: string) => ({
      attempt: n,
      status: "done",
      why: "",
      notBeforeMs: 0,
      queuedAtMs: 0,
      diagnosis: { engine: { kind: "playbook", name: "p" }, answer: { ...unknownAnswer, headline }, facts: [] },
    });
    const ticket = ticketOf("a", 4, ["cleared"], { ...closed, attempts: [attempt(1, "early"), attempt(2, "late")] });
    expect(bodyOf(ticket, "https://ops.example/t/<ticket>")).toMatchObject({
      data: { headline: "late", url: "https://ops.example/t/s.node_down.a.1" },
    });
  });
});

const unknownAnswer = {
  verdict: "unknown",
  rootCauses: [],
  confidence: 0.2,
  timeline: [],
  evidence: [],
  alternatives: [],
  options: [],
  proposals: [],
  verify: [],
  missing: [],
};

import { Ticket } from "@operator/contracts/ticket";
import { TicketId } from "@operator/contracts/ticket-id";
import { type Violation, ViolationKey } from "@operator/contracts/violation";
import { describe, expect, test } from "vitest";
import { apply } from "./apply.ts";
import { command, diagnosed, diagnosis, foldAll, nowMs, saying, violation } from "./events.fixture.ts";
import { unsentOf, withSent } from "./outbox.ts";
import type { TicketEvent } from "./ticket-event.ts";

const cause = [ViolationKey.parse("ratelimiter.redis_down.redis")];
const firing = (asOf: number, given: Partial<Violation> = {}) =>
  saying(violation(asOf, { changedAtMs: 1_000, ...given }));
const cleared = (asOf: number, given: Partial<Violation> = {}) =>
  saying(violation(asOf, { state: "cleared", ...given }));
const done = { kind: "done", diagnosis } as const;
const failed = { kind: "failed", code: "EVIDENCE_MISSING", message: "none" } as const;
const rejection = { code: "FACT_DIFFERS", path: "facts.0.value", message: "E1 says 1, the evidence 2" };

interface Row {
  says: string;
  events: TicketEvent[];
  /** Of the head, in the end. */
  is: Partial<Ticket> | undefined;
  /** Of each event. */
  reasons?: string[][];
  /** Kinds of the head's history. */
  history?: string[];
  archived?: Partial<Ticket>[];
}

const rows: Row[] = [
  {
    says: "a first violation opens a ticket and queues attempt 1",
    events: [firing(1)],
    is: { id: violationTicket(1), status: "open", diagnosis: "queued", revision: 1, openedAtMs: 1_000, occurrences: 1 },
    reasons: [["first-seen"]],
    history: ["opened"],
  },
  {
    says: "the same violation again is quiet and changes the count only",
    events: [firing(1), firing(6)],
    is: { revision: 1, occurrences: 6 },
    reasons: [["first-seen"], []],
    history: ["opened"],
  },
  {
    says: "a clearing that comes first opens and closes at once",
    events: [cleared(9)],
    is: { status: "closed", closedAtMs: 9_000, closedBy: "observation", diagnosis: "none", attempts: [] },
    reasons: [["first-seen", "cleared"]],
    history: ["opened", "cleared", "closed"],
  },
  {
    says: "late news of a closed ticket adds to its history and opens nothing",
    events: [cleared(9), firing(1)],
    is: { status: "closed", openedAtMs: 1_000, revision: 1, attempts: [] },
    reasons: [["first-seen", "cleared"], []],
    history: ["opened", "cleared", "closed"],
  },
  {
    says: "blind keeps the ticket open and is noted, as is being seen again",
    events: [firing(1), saying(violation(4, { state: "blind" })), firing(7, { changedAtMs: 7_000 })],
    is: { status: "open", revision: 3 },
    reasons: [["first-seen"], ["blind"], ["seen-again"]],
    history: ["opened", "blind", "seen_again"],
  },
  {
    says: "retired closes as well",
    events: [firing(1), saying(violation(9, { state: "retired" }))],
    is: { status: "closed", closedBy: "observation" },
    reasons: [["first-seen"], ["retired"]],
  },
  {
    says: "a symptom opens no ticket",
    events: [firing(1, { explainedBy: cause })],
    is: undefined,
    reasons: [[]],
  },
  {
    says: "a symptom that clears with its cause opens none either",
    events: [firing(1, { explainedBy: cause }), cleared(9, { explainedBy: cause })],
    is: undefined,
  },
  {
    says: "still broken when its explanation is gone, it opens, as of then",
    events: [firing(1, { explainedBy: cause }), firing(31)],
    is: { status: "open", openedAtMs: 31_000, generation: 1 },
    reasons: [[], ["first-seen"]],
  },
  {
    says: "an open ticket that becomes a symptom stays open and notes it",
    events: [firing(1), firing(2, { explainedBy: cause })],
    is: { status: "open" },
    reasons: [["first-seen"], ["explained"]],
    history: ["opened", "explained"],
  },
  {
    says: "a symptom no more is told",
    events: [firing(1), firing(2, { explainedBy: cause }), firing(40)],
    is: { status: "open", diagnosis: "queued" },
    reasons: [["first-seen"], ["explained"], ["unexplained"]],
  },
  {
    says: "a symptom that ends, ends, whether it ends as one or not",
    events: [firing(1), firing(2, { explainedBy: cause }), cleared(9)],
    is: { status: "closed" },
    reasons: [["first-seen"], ["explained"], ["cleared"]],
  },
  {
    says: "late news from while it was explained tell the ticket nothing",
    events: [firing(31), firing(1, { explainedBy: cause })],
    is: { openedAtMs: 31_000 },
    history: ["opened"],
  },
  {
    says: "a new episode after a closed one is the next generation",
    events: [firing(1), cleared(9), firing(20, { sinceMs: 20_000, changedAtMs: 20_000, occurrences: 1 })],
    is: { generation: 2, id: violationTicket(2), afterMs: 9_000, revision: 1, occurrences: 1, openedAtMs: 20_000 },
    reasons: [["first-seen"], ["cleared"], ["first-seen"]],
    archived: [{ generation: 1, status: "closed" }],
  },
  {
    says: "what was said of the generation before changes the next one not at all",
    events: [
      firing(1),
      cleared(9),
      firing(20, { sinceMs: 20_000 }),
      cleared(29, { sinceMs: 20_000 }),
      firing(5),
      cleared(9),
    ],
    is: { generation: 2, status: "closed", openedAtMs: 20_000 },
    reasons: [["first-seen"], ["cleared"], ["first-seen"], ["cleared"], [], []],
  },
  {
    says: "a symptom after a closed ticket opens no next generation",
    events: [firing(1), cleared(9), firing(20, { sinceMs: 20_000, explainedBy: cause })],
    is: { generation: 1, status: "closed" },
  },
  {
    says: "a checker that lost its memory goes on with the open ticket, and that is noted",
    events: [firing(1), firing(20, { sinceMs: 18_000, changedAtMs: 20_000 })],
    is: { generation: 1, status: "open" },
    reasons: [["first-seen"], ["begun-again"]],
    history: ["opened", "begun_again"],
  },
  {
    says: "firing in the episode that was called cleared is open again: the newest word counts",
    events: [firing(1), cleared(9), firing(12, { changedAtMs: 12_000 })],
    is: { generation: 1, status: "open", diagnosis: "queued" },
    reasons: [["first-seen"], ["cleared"], ["seen-again"]],
    history: ["opened", "cleared", "closed", "seen_again"],
  },
  {
    says: "worse is told",
    events: [firing(1, { severity: "warning" }), firing(6)],
    is: { severity: "critical" },
    reasons: [["first-seen"], ["worsened"]],
  },
  {
    says: "evidence of the first breach stays",
    events: [firing(1, { firstBad: evidence(1) }), firing(6), firing(11, { firstBad: evidence(11) })],
    is: { violation: violation(11, { changedAtMs: 1_000, firstBad: evidence(1) }) },
  },

  {
    says: "a started and a finished attempt are told, each once",
    events: [firing(1), diagnosed(1, "started"), diagnosed(1, "started"), diagnosed(1, done), diagnosed(1, failed)],
    is: { diagnosis: "done", escalated: false, sent: { revision: 0, attempt: 1 } },
    reasons: [["first-seen"], ["started"], [], ["diagnosed"], []],
    history: ["opened", "started", "diagnosed"],
  },
  {
    says: "what opened a ticket comes first, also where the observer's clock is ahead of the bus's",
    events: [firing(nowMs / 1_000 + 1), diagnosed(1, "started")],
    is: { openedAtMs: nowMs + 1_000 },
    history: ["opened", "started"],
  },
  {
    says: "a started that comes after its end changes the status no more",
    events: [firing(1), diagnosed(1, done), diagnosed(1, "started")],
    is: { diagnosis: "done" },
  },
  {
    says: "an attempt that waits for its model shows it, once, until it ends",
    events: [
      firing(1),
      diagnosed(1, "started"),
      diagnosed(1, "waiting"),
      diagnosed(1, "waiting"),
      cleared(9),
      firing(12, { changedAtMs: 12_000 }),
    ],
    is: { diagnosis: "waiting", escalated: false, sent: { revision: 0, attempt: 1 } },
    reasons: [["first-seen"], ["started"], ["waiting"], [], ["cleared"], ["seen-again"]],
    history: ["opened", "cleared", "closed", "seen_again", "started", "waiting"],
  },
  {
    says: "the end of an attempt that waited is its end",
    events: [firing(1), diagnosed(1, "started"), diagnosed(1, "waiting"), diagnosed(1, done)],
    is: { diagnosis: "done" },
    reasons: [["first-seen"], ["started"], ["waiting"], ["diagnosed"]],
  },
  {
    says: "a waiting that comes after its answer is noted, and the answer stays",
    events: [firing(1), diagnosed(1, done), diagnosed(1, "waiting")],
    is: { diagnosis: "done" },
    history: ["opened", "waiting", "diagnosed"],
  },
  {
    says: "a waiting that comes after the end changes the status no more, nor does a started after a waiting",
    events: [
      firing(1),
      diagnosed(1, failed),
      diagnosed(1, "waiting"),
      diagnosed(2, "waiting"),
      diagnosed(2, "started"),
    ],
    is: { diagnosis: "waiting" },
    history: ["opened", "waiting", "failed", "started", "waiting"],
  },
  {
    says: "a failed attempt is followed by the next",
    events: [firing(1), diagnosed(1, failed)],
    is: { diagnosis: "queued", escalated: false },
    reasons: [["first-seen"], ["failed"]],
  },
  {
    says: "the third failure is the last and calls a person",
    events: [firing(1), diagnosed(1, failed), diagnosed(2, failed), diagnosed(3, failed)],
    is: { diagnosis: "failed", escalated: true },
    reasons: [["first-seen"], ["failed"], ["failed"], ["failed", "escalated"]],
    history: ["opened", "failed", "failed", "failed", "escalated"],
  },
  {
    says: "a fourth attempt is nobody's",
    events: [firing(1), diagnosed(4, done)],
    is: { diagnosis: "queued" },
    reasons: [["first-seen"], []],
  },
  {
    says: "a done that doesn't hold against the evidence is ungrounded, asks no further and calls a person",
    events: [firing(1), diagnosed(1, done, [rejection])],
    is: { diagnosis: "ungrounded", escalated: true },
    reasons: [["first-seen"], ["ungrounded", "escalated"]],
  },
  {
    says: "what the diagnoser calls ungrounded stays so, whatever the validator would say",
    events: [firing(1), diagnosed(1, { kind: "ungrounded", diagnosis, rejections: [rejection] })],
    is: { diagnosis: "ungrounded" },
  },
  {
    says: "a diagnosis too large for a ticket is a failure",
    events: [
      firing(1),
      diagnosed(1, {
        kind: "done",
        diagnosis: {
          ...diagnosis,
          facts: [{ id: "E1", address: "a", pointer: "", value: "x".repeat(300_000), atMs: 1 }],
        },
      }),
    ],
    is: { diagnosis: "queued" },
    reasons: [["first-seen"], ["failed"]],
  },
  {
    says: "an answer that comes after the ticket closed is kept, with no further attempt",
    events: [firing(1), cleared(9), diagnosed(1, failed)],
    is: { status: "closed", diagnosis: "failed", escalated: false },
  },
  {
    says: "an answer to the generation before isn't an answer to this one",
    events: [firing(1), cleared(9), firing(20, { sinceMs: 20_000 }), diagnosed(1, done)],
    is: { generation: 2, diagnosis: "queued" },
    reasons: [["first-seen"], ["cleared"], ["first-seen"], []],
  },
  {
    says: "a diagnosis for no ticket makes none",
    events: [diagnosed(1, done)],
    is: undefined,
  },

  {
    says: "an acknowledgement names the person",
    events: [firing(1), command(1, { kind: "acknowledge" })],
    is: { acknowledgedBy: "ada", revision: 2 },
    reasons: [["first-seen"], ["acknowledged"]],
    history: ["opened", "acknowledged"],
  },
  {
    says: "a command counts once",
    events: [firing(1), command(1, { kind: "comment", text: "hm" }), command(1, { kind: "comment", text: "hm" })],
    is: { revision: 2 },
    reasons: [["first-seen"], ["commented"], []],
  },
  {
    says: "a held ticket doesn't close",
    events: [firing(1), command(1, { kind: "hold", reason: "I watch" }), cleared(9)],
    is: { status: "open", held: true },
    reasons: [["first-seen"], ["held"], ["cleared"]],
  },
  {
    says: "held no more, it closes if it's still cleared",
    events: [firing(1), command(1, { kind: "hold", reason: "I watch" }), cleared(9), command(2, { kind: "unhold" })],
    is: { status: "closed", held: false, closedBy: "observation", closedAtMs: nowMs + 2 },
    reasons: [["first-seen"], ["held"], ["cleared"], ["unheld", "cleared"]],
  },
  {
    says: "held no more and still firing, its job is queued",
    events: [firing(1), command(1, { kind: "hold", reason: "I watch" }), command(2, { kind: "unhold" })],
    is: { status: "open", held: false, diagnosis: "queued" },
  },
  {
    says: "an unhold of what isn't held is refused",
    events: [firing(1), command(1, { kind: "unhold" })],
    is: { revision: 2 },
    reasons: [["first-seen"], ["refused"]],
  },
  {
    says: "a resolve while firing is refused",
    events: [firing(1), command(1, { kind: "resolve", reason: "fine", force: false })],
    is: { status: "open" },
    reasons: [["first-seen"], ["refused"]],
  },
  {
    says: "a resolve while blind is refused: silence is not health",
    events: [
      firing(1),
      saying(violation(4, { state: "blind" })),
      command(1, { kind: "resolve", reason: "fine", force: false }),
    ],
    is: { status: "open" },
    reasons: [["first-seen"], ["blind"], ["refused"]],
  },
  {
    says: "a forced resolve closes in the person's name, and the same episode doesn't open it again",
    events: [firing(1), command(1, { kind: "resolve", reason: "known", force: true }), firing(6), firing(11)],
    is: { status: "closed", closedBy: "ada", closedAtMs: nowMs + 1, generation: 1, attempts: [] },
    reasons: [["first-seen"], ["resolved"], [], []],
  },
  {
    says: "after a forced resolve the next episode opens the next generation",
    events: [
      firing(1),
      command(1, { kind: "resolve", reason: "known", force: true }),
      cleared(9),
      firing(20, { sinceMs: 20_000 }),
    ],
    is: { status: "open", generation: 2 },
    archived: [{ closedBy: "ada" }],
  },
  {
    says: "a forced resolve ends a hold",
    events: [
      firing(1),
      command(1, { kind: "hold", reason: "mine" }),
      command(2, { kind: "resolve", reason: "known", force: true }),
    ],
    is: { status: "closed", held: false },
  },
  {
    says: "nobody may resolve in the name of the observations",
    events: [firing(1), command(1, { kind: "resolve", reason: "known", force: true }, "observation")],
    is: { status: "open" },
    reasons: [["first-seen"], ["refused"]],
  },
  {
    says: "a resolve of a held ticket is refused unless forced",
    events: [
      firing(1),
      command(1, { kind: "hold", reason: "mine" }),
      cleared(9),
      command(2, { kind: "resolve", reason: "well", force: false }),
    ],
    is: { status: "open", held: true },
    reasons: [["first-seen"], ["held"], ["cleared"], ["refused"]],
  },
  ...(["acknowledge", "unhold"] as const).map((kind) => ({
    says: `${kind} of a closed ticket is refused`,
    events: [firing(1), cleared(9), command(1, { kind })],
    is: { status: "closed" as const },
    reasons: [["first-seen"], ["cleared"], ["refused"]],
  })),
  {
    says: "a comment on a closed ticket is kept",
    events: [firing(1), cleared(9), command(1, { kind: "comment", text: "it was the cable" })],
    is: { status: "closed" },
    reasons: [["first-seen"], ["cleared"], ["commented"]],
  },
];

describe("apply", () => {
  test.each(rows)("$says", ({ events, is, reasons, history, archived }) => {
    const folded = foldAll(events);
    if (is === undefined) expect(folded.head).toBeUndefined();
    else expect(folded.head).toMatchObject(is);
    if (folded.head) Ticket.parse(folded.head);
    if (reasons) expect(folded.reasons).toEqual(reasons);
    if (history) expect(folded.head?.history.map(({ kind }) => kind)).toEqual(history);
    expect(folded.archived.length).toBe(archived?.length ?? folded.archived.length);
    if (archived) expect(folded.archived).toMatchObject(archived);
  });

  test.each(rows)("all of it again is quiet: $says", ({ events }) => {
    const { head } = foldAll(events);
    const again = foldAll(events, head);
    expect(again.head, "the very same: nothing to write").toBe(head);
    expect(again.reasons.flat()).toEqual([]);
    expect(again.archived).toEqual([]);
  });
});

describe("refusals", () => {
  test.each([
    ["STILL_BROKEN", [firing(1), command(1, { kind: "resolve", reason: "x", force: false })]],
    ["NOT_HELD", [firing(1), command(1, { kind: "unhold" })]],
    ["TICKET_CLOSED", [firing(1), cleared(9), command(1, { kind: "hold", reason: "x" })]],
    ["NAME_RESERVED", [firing(1), command(1, { kind: "resolve", reason: "x", force: true }, "obser\u200bvation")]],
    [
      "TICKET_HELD",
      [
        cleared(9),
        firing(10),
        command(0, { kind: "hold", reason: "x" }),
        cleared(12),
        command(1, { kind: "resolve", reason: "x", force: false }),
      ],
    ],
  ])("%s is in the history, with the command's id", (code, events) => {
    const refusal = foldAll(events).head?.history.find(({ kind }) => kind === "refused");
    expect(refusal).toMatchObject({ code, command: "00000000-0000-4000-8000-000000000001", by: expect.any(String) });
  });
});

describe("texts of others", () => {
  test("are bounded, whatever a diagnoser says of its own refusals", () => {
    const rejections = Array.from({ length: 60 }, () => ({ ...rejection, code: "X".repeat(5_000) }));
    const { head } = foldAll([firing(1), diagnosed(1, { kind: "ungrounded", diagnosis, rejections })]);
    const kept = head?.attempts[0]?.rejections ?? [];
    expect(kept).toHaveLength(50);
    expect(kept[0]?.code).toHaveLength(100);
  });

  test("come into the history without control characters", () => {
    const { head } = foldAll([
      firing(1, { summary: "\u001b[31mred\u001b[0m\nline" }),
      command(1, { kind: "comment", text: "\u001b]0;title\u0007bell" }, "e\u0000ve"),
      diagnosed(1, { kind: "failed", code: "X\u001b[2J", message: "a\u202eb" }),
    ]);
    expect(JSON.stringify(head?.history)).not.toMatch(/\\u00[01]|\u202e/);
  });
});

describe("the outbox", () => {
  test("a new ticket's event and job are unsent until recorded", () => {
    const { head } = foldAll([firing(1)]);
    if (!head) throw new Error("no ticket");
    expect(unsentOf(head)).toMatchObject({ event: true, job: { notBeforeMs: nowMs, message: { attempt: 1 } } });
    const sent = withSent(head, { revision: 1, attempt: 1 }, nowMs + 5);
    expect(unsentOf(sent)).toEqual({ event: false, job: undefined });
    expect(sent.history.map(({ kind }) => kind)).toEqual(["opened", "queued"]);
    expect(withSent(sent, { revision: 1, attempt: 1 }, nowMs + 9)).toBe(sent);
  });

  test("a job that something may explain waits 2 s", () => {
    const { head } = foldAll([firing(1, { mayBeExplained: true })]);
    expect(head && unsentOf(head).job?.notBeforeMs).toBe(nowMs + 2_000);
  });

  test.each([
    ["closed", cleared(9)],
    ["held", command(1, { kind: "hold", reason: "x" })],
    ["a symptom", firing(6, { explainedBy: cause })],
    ["resolved by force", command(1, { kind: "resolve", reason: "x", force: true })],
    ["being diagnosed already", diagnosed(1, "started")],
  ])("no job is due of a ticket that is %s", (_, event) => {
    const { head } = foldAll([firing(1), event]);
    expect(head && unsentOf(head).job).toBeUndefined();
  });

  test("a job that waited while its ticket was held or a symptom is due after", () => {
    const { head } = foldAll([
      firing(1),
      command(1, { kind: "hold", reason: "x" }),
      firing(6, { explainedBy: cause }),
      command(2, { kind: "unhold" }),
      firing(11),
    ]);
    expect(head && unsentOf(head).job?.message).toMatchObject({ attempt: 1 });
  });

  test("an attempt whose job was sent stays when the ticket closes", () => {
    const { head } = foldAll([firing(1)]);
    const sent = head && withSent(head, { revision: 1, attempt: 1 }, nowMs);
    expect(foldAll([cleared(9)], sent).head).toMatchObject({ status: "closed", attempts: [{ attempt: 1 }] });
  });

  test("a job that was sent before its ticket closed and opened again isn't sent twice", () => {
    const { head } = foldAll([firing(1)]);
    if (!head) throw new Error("no ticket");
    const closed = foldAll([cleared(9)], withSent(head, { revision: 1, attempt: 1 }, nowMs)).head;
    const { head: again } = foldAll([firing(12)], closed);
    expect(again).toMatchObject({ status: "open", diagnosis: "queued" });
    expect(again && unsentOf(again).job).toBeUndefined();
  });

  test("reasons gather until the event of a revision was sent", () => {
    const { head } = foldAll([firing(1), saying(violation(4, { state: "blind" }))]);
    expect(head).toMatchObject({ revision: 2, reasons: ["first-seen", "blind"] });
    if (!head) throw new Error("no ticket");
    const next = apply(withSent(head, { revision: 2 }, nowMs), cleared(9), nowMs).ticket;
    expect(next).toMatchObject({ revision: 3, reasons: ["cleared"] });
  });
});

describe("the history", () => {
  test("is bounded: how it began, the newest, and each word of a person stay", () => {
    const flapping = Array.from({ length: 400 }, (_, n) => [
      saying(violation(10 * n + 14, { state: "blind" })),
      firing(10 * n + 19, { changedAtMs: (10 * n + 19) * 1_000 }),
    ]).flat();
    const comment = { ...command(1, { kind: "comment", text: "old" }), storedAtMs: 1_000_000 };
    const events = [firing(1), comment, ...flapping];
    const { head } = foldAll(events);
    expect(head?.history).toHaveLength(300);
    expect(head?.historyDropped).toBe(502);
    expect(head?.history[0]).toMatchObject({ kind: "opened" });
    expect(head?.history.some(({ text }) => text === "old")).toBe(true);
    expect(foldAll(events, head).head).toEqual(head);
  });
});

function evidence(atSeconds: number) {
  return {
    address: `operator.evidence.ratelimiter.snapshot.${atSeconds * 1_000}`,
    atMs: atSeconds * 1_000,
    pointers: [],
  };
}

function violationTicket(generation: number) {
  return TicketId.parse(`ratelimiter.node_down.node-a.${generation}`);
}

import { Command } from "@operator/contracts/command";
import { type Answer, type Diagnosis, DiagnosisEvent, type Rejection } from "@operator/contracts/diagnosis";
import type { Ticket } from "@operator/contracts/ticket";
import { Violation } from "@operator/contracts/violation";
import type { z } from "zod";
import { apply } from "./apply.ts";
import type { Reason, TicketEvent } from "./ticket-event.ts";

export const nowMs = 1_700_000_000_000;
export const ticketId = "ratelimiter.node_down.node-a.1";

/** A violation of node-a as of `asOf` seconds; anything else as given, times in milliseconds. */
export function violation(asOfSeconds: number, given: Partial<z.input<typeof Violation>> = {}): Violation {
  const asOf = asOfSeconds * 1_000;
  return Violation.parse({
    subject: "ratelimiter",
    invariant: "node_down",
    target: "node-a",
    state: "firing",
    severity: "critical",
    asOf,
    sinceMs: Math.min(1_000, asOf),
    changedAtMs: asOf,
    occurrences: asOfSeconds,
    summary: `as of ${asOfSeconds} s`,
    detail: { kind: "unreachable", how: "refused", silentMs: 0 },
    explainedBy: [],
    mayBeExplained: false,
    comebacks: 0,
    ...given,
  });
}

export const saying = (said: Violation): TicketEvent => ({ kind: "violation", violation: said });

export function command(
  n: number,
  given:
    | { kind: "acknowledge" | "unhold" }
    | { kind: "hold"; reason: string }
    | { kind: "comment"; text: string }
    | { kind: "resolve"; reason: string; force: boolean },
  by = "ada",
): TicketEvent {
  const id = `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  const about = { id, subject: "ratelimiter", ticket: ticketId, by, atMs: 0 };
  return { kind: "command", command: Command.parse({ ...about, ...given }), storedAtMs: nowMs + n };
}

const answer: z.input<typeof Answer> = {
  verdict: "unknown",
  headline: "node-a was killed",
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
export const diagnosis: z.input<typeof Diagnosis> = { engine: { kind: "playbook", name: "test" }, answer, facts: [] };

type Result = z.input<
  Extract<(typeof DiagnosisEvent)["options"][number], { shape: { phase: z.ZodLiteral<"finished"> } }>
>["result"];

/** A word on an attempt, each phase by another diagnoser, as after a kill. */
export function diagnosed(
  attempt: number,
  word: "started" | "waiting" | Result,
  rejections: Rejection[] = [],
): TicketEvent {
  const phase = typeof word === "string" ? word : "finished";
  const at = { started: 1, waiting: 2, finished: 3 }[phase];
  const about = { subject: "ratelimiter", ticket: ticketId, attempt, by: `diagnoser-${at}`, atMs: 0 };
  const words = {
    started: {},
    waiting: { untilMs: 600_000, why: "it is overloaded (529)" },
    finished: { result: word },
  };
  const said = DiagnosisEvent.parse({ ...about, phase, ...words[phase] });
  return { kind: "diagnosis", said, storedAtMs: nowMs + attempt * 10 + at, rejectionsOf: () => rejections };
}

/** Folds events into what they make of no ticket: the head, generations archived, the reasons of each event. */
export function foldAll(events: readonly TicketEvent[], head?: Ticket) {
  const archived: Ticket[] = [];
  const reasons: Reason[][] = [];
  for (const event of events) {
    const applied = apply(head, event, nowMs);
    if (applied.archive) archived.push(applied.archive);
    reasons.push(applied.reasons);
    head = applied.ticket;
  }
  return { head, archived, reasons };
}

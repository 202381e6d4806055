import type { HistoryEntry, Ticket } from "@operator/contracts/ticket";
import { ticketIdOf } from "@operator/contracts/ticket-id";
import { type Violation, ViolationState } from "@operator/contracts/violation";
import { plainText } from "@operator/evidence/telemetry";
import { framework } from "@operator/subject/framework";
import { remember } from "./history.ts";
import { firingId, tellOpening } from "./opening.ts";
import { settle } from "./settle.ts";
import type { Applied, Reason } from "./ticket-event.ts";
import { isExplained, isOver } from "./violation-state.ts";

/**
 * What the checker's word makes of a ticket. Which generation it is about is told by time: as of the generation before
 * or earlier, it's old news; an episode that began after the last word on a closed ticket opens the next generation.
 */
export function applyViolation(head: Ticket | undefined, said: Violation, nowMs: number): Applied {
  const quiet = { ticket: head, reasons: [] };
  if (head === undefined) return isExplained(said) ? quiet : open(said, { generation: 1 }, nowMs);
  if (said.asOf <= (head.afterMs ?? -1)) return quiet;
  if (head.status === "closed" && said.sinceMs > head.violation.asOf) {
    if (isExplained(said)) return quiet;
    const next = { generation: head.generation + 1, afterMs: head.violation.asOf };
    return { ...open(said, next, nowMs), archive: head };
  }
  // While it was explained there was no ticket to tell; late news of that time tells it nothing either.
  if (isExplained(said) && said.asOf < head.openedAtMs) return quiet;
  return goOn(head, said, nowMs);
}

function open(said: Violation, place: { generation: number; afterMs?: number }, nowMs: number): Applied {
  const { subject, invariant, target } = said;
  const first: Ticket = {
    ...place,
    id: ticketIdOf({ subject, invariant, target, generation: place.generation }),
    subject,
    invariant,
    target,
    // `apply` makes this the first revision, and gives its reasons.
    revision: 0,
    reasons: [],
    status: "open",
    severity: said.severity,
    openedAtMs: said.asOf,
    violation: said,
    occurrences: said.occurrences,
    diagnosis: "none",
    attempts: [],
    held: false,
    escalated: false,
    history: [],
    historyDropped: 0,
    sent: { revision: 0, attempt: 0 },
  };
  const ticket = settle(withEntries(first, said), nowMs);
  return { ticket, reasons: ["first-seen", ...(isOver(said) ? [said.state] : [])] };
}

function goOn(head: Ticket, said: Violation, nowMs: number): Applied {
  const isNews = isNewer(said, head.violation);
  const [newest, other] = isNews ? [said, head.violation] : [head.violation, said];
  const told: Ticket = {
    ...head,
    violation: withFirstEvidence(newest, other),
    severity: newest.severity,
    openedAtMs: Math.min(head.openedAtMs, said.asOf),
    occurrences: Math.max(head.occurrences, said.occurrences),
  };
  const ticket = settle(withEntries(told, said, said.asOf < head.openedAtMs), nowMs);
  if (isNews) return { ticket, reasons: reasonsOf(head.violation, said) };
  return { ticket: addsNothing(head, ticket) ? head : ticket, reasons: [] };
}

/** Two words as of one time can only come from checkers of different memories; any fixed order makes all agree. */
function isNewer(said: Violation, known: Violation): boolean {
  if (said.asOf !== known.asOf) return said.asOf > known.asOf;
  return ViolationState.options.indexOf(said.state) > ViolationState.options.indexOf(known.state);
}

/** A diagnosis rests on the evidence of the first breach, so that stays when a later word names another or none. */
function withFirstEvidence(newest: Violation, other: Violation): Violation {
  if (!other.firstBad || (newest.firstBad && newest.firstBad.atMs <= other.firstBad.atMs)) return newest;
  const { lastGood: _, ...rest } = newest;
  return { ...rest, firstBad: other.firstBad, ...(other.lastGood && { lastGood: other.lastGood }) };
}

function addsNothing(before: Ticket, after: Ticket): boolean {
  return (
    before.history === after.history &&
    before.occurrences === after.occurrences &&
    before.openedAtMs === after.openedAtMs &&
    before.violation === after.violation
  );
}

function reasonsOf(before: Violation, now: Violation): Reason[] {
  const reasons: Reason[] = [];
  if (now.state !== before.state) reasons.push(now.state === "firing" ? "seen-again" : now.state);
  if (now.sinceMs > before.sinceMs) reasons.push("begun-again");
  if (now.severity !== before.severity) reasons.push(now.severity === "critical" ? "worsened" : "eased");
  if (!isOver(now) && isExplained(now) !== isExplained(before)) {
    reasons.push(isExplained(now) ? "explained" : "unexplained");
  }
  return reasons;
}

function withEntries(ticket: Ticket, said: Violation, opensEarlier = false): Ticket {
  const remembered = remember(ticket, entriesOf(ticket, said));
  if (remembered.history === ticket.history && !opensEarlier) return ticket;
  return { ...ticket, ...remembered, history: tellOpening(remembered.history, ticket.openedAtMs) };
}

/** The transitions that a message tells of: its own state's beginning, and that it is a symptom. */
function entriesOf(ticket: Ticket, said: Violation): HistoryEntry[] {
  const by = said.invariant === framework.checkerSilent.name ? "ticketer" : "checker";
  const text = plainText(said.summary, 500);
  const about = { asOf: said.asOf, by };
  const entries: HistoryEntry[] =
    said.state === "firing"
      ? [{ id: firingId(said), kind: "seen_again", atMs: said.changedAtMs, text, ...about }]
      : [{ id: `${said.state}:${said.changedAtMs}`, kind: said.state, atMs: said.changedAtMs, text, ...about }];
  const isFireKnown = said.state === "firing" || ticket.history.some(({ id }) => id.startsWith("firing:"));
  if (!isFireKnown) entries.push({ id: "opened", kind: "opened", atMs: ticket.openedAtMs, text, ...about });
  if (isExplained(said) && !isOver(said)) {
    const causes = [...said.explainedBy].sort();
    const named = `${causes.slice(0, 3).join(", ")}${causes.length > 3 ? ` and ${causes.length - 3} more` : ""}`;
    entries.push({
      id: `explained:${named}`,
      kind: "explained",
      atMs: said.asOf,
      text: `a symptom of ${named}`,
      ...about,
    });
  }
  return entries;
}

import type { Attempt, Ticket } from "@operator/contracts/ticket";
import { remember } from "./history.ts";
import { isOver } from "./violation-state.ts";

export const attemptsMax = 3;
/** What may explain a violation gets so long to show before a diagnoser is asked. */
const explanationMs = 2_000;
/** Who closed a ticket that fresh observations closed. No person may go by this name. */
export const byObservation = "observation";

/** Draws what follows from what a ticket knows: open or closed, which attempts there are to be, what the diagnosis is at. */
export function settle(ticket: Ticket, nowMs: number, closedAtMs = ticket.violation.changedAtMs): Ticket {
  return withDiagnosis(withAttempts(withStatus(ticket, closedAtMs), nowMs));
}

/** Closed only by the checker's word, and open again by it; a ticket that a person closed stays so for its episode. */
function withStatus(ticket: Ticket, closedAtMs: number): Ticket {
  const over = isOver(ticket.violation);
  if (ticket.status === "open" && over && !ticket.held) {
    const text = ticket.violation.state === "cleared" ? "fresh observations are well" : "the target left on purpose";
    const entry = { id: `closed:${closedAtMs}`, kind: "closed", atMs: closedAtMs, by: "ticketer", text } as const;
    return { ...ticket, ...remember(ticket, [entry]), status: "closed", closedAtMs, closedBy: byObservation };
  }
  if (ticket.status === "closed" && ticket.closedBy === byObservation && !over) {
    const { closedAtMs: _, closedBy: __, ...rest } = ticket;
    return { ...rest, status: "open" };
  }
  return ticket;
}

/**
 * An open ticket has an attempt queued or under way until one gives an answer, or the last one failed. What isn't sent
 * yet is taken back when it closes; while it's held or a symptom, it waits (see `outbox.ts`).
 */
function withAttempts(ticket: Ticket, nowMs: number): Ticket {
  const { attempts, violation } = ticket;
  if (ticket.status === "closed") {
    const kept = attempts.filter(({ attempt, status }) => status !== "queued" || attempt <= ticket.sent.attempt);
    return kept.length === attempts.length ? ticket : { ...ticket, attempts: kept };
  }
  const last = attempts.at(-1);
  if (last && (last.status !== "failed" || last.attempt >= attemptsMax)) return ticket;
  const next: Attempt = {
    attempt: (last?.attempt ?? 0) + 1,
    status: "queued",
    why: last?.failure ? `attempt ${last.attempt} failed: ${last.failure.code}` : "the ticket is open",
    queuedAtMs: nowMs,
    notBeforeMs: nowMs + (violation.mayBeExplained ? explanationMs : 0),
  };
  return { ...ticket, attempts: [...attempts, next] };
}

function withDiagnosis(ticket: Ticket): Ticket {
  const last = ticket.attempts.at(-1);
  const diagnosis = last?.status ?? "none";
  const isGivenUp = last?.status === "ungrounded" || (last?.status === "failed" && last.attempt === attemptsMax);
  if (!isGivenUp || ticket.escalated) return ticket.diagnosis === diagnosis ? ticket : { ...ticket, diagnosis };
  const text = "no attempt gave an answer that stands: a person has to look";
  const atMs = last.endedAtMs ?? last.queuedAtMs;
  const entry = { id: "escalated", kind: "escalated", atMs, by: "ticketer", text } as const;
  return { ...ticket, ...remember(ticket, [entry]), diagnosis, escalated: true };
}

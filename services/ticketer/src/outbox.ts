import type { Job } from "@operator/contracts/job";
import type { Ticket } from "@operator/contracts/ticket";
import { remember } from "./history.ts";
import { isExplained } from "./violation-state.ts";

/**
 * What a ticket's state implies and hasn't been recorded as sent: its newest event, and the job of its queued attempt,
 * which waits while somebody holds the ticket, or something else explains it.
 */
export interface Unsent {
  event: boolean;
  job: { message: Job; notBeforeMs: number } | undefined;
}

export function unsentOf(ticket: Ticket): Unsent {
  const last = ticket.attempts.at(-1);
  const isWanted = !ticket.held && !isExplained(ticket.violation);
  const isJobUnsent = isWanted && last !== undefined && last.attempt > ticket.sent.attempt;
  return {
    event: ticket.revision > ticket.sent.revision,
    job: isJobUnsent
      ? {
          notBeforeMs: last.notBeforeMs,
          message: {
            subject: ticket.subject,
            ticket: ticket.id,
            attempt: last.attempt,
            severity: ticket.severity,
            queuedAtMs: last.queuedAtMs,
            why: last.why.slice(0, 200),
          },
        }
      : undefined,
  };
}

/** Records what was sent. The same ticket when that is known already. */
export function withSent(ticket: Ticket, sent: { revision?: number; attempt?: number }, nowMs: number): Ticket {
  const revision = Math.max(ticket.sent.revision, sent.revision ?? 0);
  const attempt = Math.max(ticket.sent.attempt, sent.attempt ?? 0);
  if (revision === ticket.sent.revision && attempt === ticket.sent.attempt) return ticket;
  const told = { ...ticket, sent: { revision, attempt } };
  if (attempt === ticket.sent.attempt) return told;
  const why = ticket.attempts.find((each) => each.attempt === attempt)?.why ?? "the ticket was open";
  const entry = { id: `attempt:${attempt}:queued`, kind: "queued", atMs: nowMs, by: "ticketer", text: why } as const;
  return { ...told, ...remember(told, [entry]) };
}

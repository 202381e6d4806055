import type { Ticket } from "@operator/contracts/ticket";
import { applyAction } from "./apply-action.ts";
import { applyCommand } from "./apply-command.ts";
import { applyDiagnosis } from "./apply-diagnosis.ts";
import { applyViolation } from "./apply-violation.ts";
import type { Applied, Reason, TicketEvent } from "./ticket-event.ts";

/**
 * What an event makes of a ticket. Idempotent, and free of order within a generation: state comes from the newest word
 * of the checker, counts are the largest that were heard, history is a set. `nowMs` only dates the jobs that it queues.
 */
export function apply(head: Ticket | undefined, event: TicketEvent, nowMs: number): Applied {
  const applied = applyKind(head, event, nowMs);
  if (applied.ticket === undefined || applied.reasons.length === 0) return applied;
  return { ...applied, ticket: revised(applied.ticket, applied.reasons) };
}

function applyKind(head: Ticket | undefined, event: TicketEvent, nowMs: number): Applied {
  if (event.kind === "violation") return applyViolation(head, event.violation, nowMs);
  if (event.kind === "diagnosis") return applyDiagnosis(head, event, nowMs);
  if (event.kind === "action") return applyAction(head, event.action);
  return applyCommand(head, event.command, event.storedAtMs, nowMs);
}

/** The next revision. Reasons gather until the event of a revision was sent, so that a skipped one loses none. */
function revised(ticket: Ticket, reasons: readonly Reason[]): Ticket {
  const isSent = ticket.sent.revision === ticket.revision;
  const gathered = new Set<string>([...(isSent ? [] : ticket.reasons), ...reasons]);
  return { ...ticket, revision: ticket.revision + 1, reasons: [...gathered] };
}

import type { Ticket } from "@operator/contracts/ticket";

/** What a list says of a ticket; `tickets show` has all of it. */
export interface TicketSummary {
  id: string;
  status: Ticket["status"];
  severity: Ticket["severity"];
  /** The newest word of the checker. */
  state: Ticket["violation"]["state"];
  summary: string;
  diagnosis: Ticket["diagnosis"];
  /** The newest diagnosis in one sentence. */
  headline?: string;
  openedAtMs: number;
  closedAtMs?: number;
  closedBy?: string;
  occurrences: number;
  held: boolean;
  acknowledgedBy?: string;
  escalated: boolean;
  /** No job, no action and no webhook until then: a person silenced its target. */
  silencedUntilMs?: number;
}

export function summaryOf(ticket: Ticket): TicketSummary {
  const headline = ticket.attempts.findLast(({ diagnosis }) => diagnosis)?.diagnosis?.answer.headline;
  const { id, status, severity, violation, diagnosis, openedAtMs, closedAtMs, closedBy } = ticket;
  const { occurrences, held, acknowledgedBy, escalated } = ticket;
  return {
    id,
    status,
    severity,
    state: violation.state,
    summary: violation.summary,
    diagnosis,
    ...(headline !== undefined && { headline }),
    openedAtMs,
    ...(closedAtMs !== undefined && { closedAtMs }),
    ...(closedBy !== undefined && { closedBy }),
    occurrences,
    held,
    ...(acknowledgedBy !== undefined && { acknowledgedBy }),
    escalated,
  };
}

/** Open ones first, of these the critical ones, then the newest. */
export function byUrgency(one: TicketSummary, other: TicketSummary): number {
  const rank = ({ status, severity }: TicketSummary) => (status === "open" ? (severity === "critical" ? 0 : 1) : 2);
  return rank(one) - rank(other) || other.openedAtMs - one.openedAtMs || (one.id < other.id ? -1 : 1);
}

import type { Ticket } from "@operator/contracts/ticket";

const types = ["ticket.opened", "ticket.escalated", "ticket.closed"] as const;
type NoticeType = (typeof types)[number];

/** What a receiver is told of a ticket. Computed from the ticket's event alone: the same body at every try. */
export interface Notice {
  /** `<ticket>:<type>`: the receiver knows a repeat by it. */
  id: string;
  ticket: Ticket["id"];
  type: NoticeType;
  /** JSON. */
  body: string;
}

/** What a ticket's event gives cause to tell, in the order in which it happened. `ticketUrl` holds `<ticket>`. */
export function noticesOf(ticket: Ticket, ticketUrl?: string): Notice[] {
  return types
    .filter((type) => isToTell[type](ticket))
    .map((type) => ({
      id: `${ticket.id}:${type}`,
      ticket: ticket.id,
      type,
      body: JSON.stringify({
        type,
        timestamp: new Date(happenedAtMs(type, ticket)).toISOString(),
        data: dataOf(ticket, ticketUrl),
      }),
    }));
}

const closingReasons: readonly string[] = ["cleared", "retired", "resolved", "unheld"];

/** An event's reasons are all since the last one that was sent, so what happened to a ticket is in one of its events. */
const isToTell: Record<NoticeType, (ticket: Ticket) => boolean> = {
  "ticket.opened": ({ reasons }) => reasons.includes("first-seen"),
  "ticket.escalated": ({ reasons }) => reasons.includes("escalated"),
  "ticket.closed": ({ reasons, status }) =>
    status === "closed" && reasons.some((reason) => closingReasons.includes(reason)),
};

function happenedAtMs(type: NoticeType, { openedAtMs, closedAtMs, history }: Ticket): number {
  if (type === "ticket.opened") return openedAtMs;
  const noted = history.find(({ kind }) => kind === "escalated")?.atMs;
  return (type === "ticket.closed" ? closedAtMs : noted) ?? openedAtMs;
}

function dataOf(ticket: Ticket, ticketUrl: string | undefined) {
  const { id, subject, invariant, target, severity, violation, openedAtMs, closedAtMs } = ticket;
  return {
    ticket: id,
    subject,
    invariant,
    target,
    severity,
    summary: violation.summary,
    openedAtMs,
    closedAtMs,
    headline: ticket.attempts.findLast(({ diagnosis }) => diagnosis)?.diagnosis?.answer.headline,
    url: ticketUrl?.replaceAll("<ticket>", () => encodeURIComponent(id)),
  };
}

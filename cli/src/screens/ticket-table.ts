import { agoOf, timeOf } from "../terminal/ages.ts";
import { type Line, paragraph, span, table } from "../terminal/page.ts";
import type { TicketSummary } from "../ticket-summary.ts";
import { ticketSpan } from "./words.ts";

/** Tickets, each a row with its id and, below, what is wrong and what is known. */
export function ticketTable(tickets: readonly TicketSummary[], nowMs: number, columns: number): Line[] {
  const [titles, ...rows] = table(
    [{ title: "STATE" }, { title: "TICKET", atLeast: 30 }, { title: "SEVERITY" }, { title: "OPENED" }],
    tickets.map((ticket) => [
      ticketSpan(ticket),
      span(ticket.id, "title"),
      ticket.severity,
      columns >= 100 ? timeOf(ticket.openedAtMs, nowMs) : agoOf(ticket.openedAtMs, nowMs),
    ]),
    columns,
  );
  const lines: Line[] = titles ? [titles] : [];
  tickets.forEach((ticket, at) => {
    lines.push(rows[at] ?? [], ...paragraph(ticket.summary, columns, 4));
    const known = knownOf(ticket, nowMs);
    if (known !== "") lines.push(...paragraph(known, columns, 4, "dim"));
  });
  return lines;
}

function knownOf(ticket: TicketSummary, nowMs: number): string {
  return [
    ticket.headline === undefined ? `diagnosis: ${ticket.diagnosis}` : `diagnosis: ${ticket.headline}`,
    ticket.acknowledgedBy !== undefined && `acknowledged by ${ticket.acknowledgedBy}`,
    ticket.held && "held",
    ticket.silencedUntilMs !== undefined && `silenced until ${timeOf(ticket.silencedUntilMs, nowMs)}`,
    ticket.escalated && "escalated: needs a person",
    ticket.closedAtMs !== undefined && `closed ${timeOf(ticket.closedAtMs, nowMs)} by ${closerOf(ticket)}`,
  ]
    .filter((part) => part !== false)
    .join(" · ");
}

/** Who closed a ticket, in words. */
export function closerOf({ closedBy }: Pick<TicketSummary, "closedBy">): string {
  return closedBy === "observation" ? "fresh observations" : (closedBy ?? "nobody");
}

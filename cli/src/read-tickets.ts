import type { Bus } from "@operator/bus/bus";
import { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId, TicketId } from "@operator/contracts/ticket-id";
import { violationKeyOf } from "@operator/contracts/violation";
import { CliError } from "./cli-error.ts";
import { findTicket } from "./find-ticket.ts";

/** All tickets there are, of one subject or of all: the newest generation of each case, and earlier ones. */
export async function readTickets(bus: Bus, subject?: string): Promise<Ticket[]> {
  const bucket = await bus.bucket("tickets", Ticket);
  // A generation is archived before its case moves on, so for a moment it stands there twice; the newest write comes last.
  const tickets = new Map<TicketId, Ticket>();
  for (const { value: ticket } of await bucket.entries(subject)) tickets.set(ticket.id, ticket);
  return [...tickets.values()];
}

/** The newest generation of a ticket's case. */
export async function readNewest(
  bus: Bus,
  of: Pick<Ticket, "subject" | "invariant" | "target">,
): Promise<Ticket | undefined> {
  return (await (await bus.bucket("tickets", Ticket)).get(violationKeyOf(of)))?.value;
}

/** The ticket that a person means by an id or by parts of one. */
export async function readTicket(bus: Bus, word: string): Promise<Ticket> {
  const whole = TicketId.safeParse(word);
  if (whole.success && isOfNames(whole.data)) {
    const parts = partsOfTicketId(whole.data);
    // The newest generation stands under its case, earlier ones under their own ids.
    const newest = await readNewest(bus, parts);
    if (newest?.id === whole.data) return newest;
    const archived = (await (await bus.bucket("tickets", Ticket)).get(whole.data))?.value;
    if (archived) return archived;
  }
  const tickets = await readTickets(bus);
  const id = findTicket(
    word,
    tickets.map((ticket) => ticket.id),
  );
  const found = tickets.find((ticket) => ticket.id === id);
  if (!found) throw new CliError("TICKET_UNKNOWN", `no ticket "${word}"`);
  return found;
}

/** Whether its parts are names at all: `a.b.c.1` looks like an id whatever the parts are. */
function isOfNames(id: TicketId): boolean {
  try {
    partsOfTicketId(id);
    return true;
  } catch {
    return false;
  }
}

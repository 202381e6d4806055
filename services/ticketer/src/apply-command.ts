import type { Command } from "@operator/contracts/command";
import type { HistoryEntry, Ticket } from "@operator/contracts/ticket";
import { plainText } from "@operator/evidence/telemetry";
import { hasEntry, remember } from "./history.ts";
import { byObservation, settle } from "./settle.ts";
import type { Applied, Reason } from "./ticket-event.ts";
import { isOver } from "./violation-state.ts";

type Outcome =
  | { kind: "acknowledged" | "held" | "unheld" | "commented" | "resolved"; text: string; change: Partial<Ticket> }
  | { kind: "refused"; code: string; text: string };

/**
 * What a person's word makes of a ticket. Carried out or refused, the outcome is an entry with the command's id in the
 * ticket's history, and so in its next event, which the sender waits for. A command counts once.
 */
export function applyCommand(head: Ticket | undefined, command: Command, storedAtMs: number, nowMs: number): Applied {
  const id = `command:${command.id}`;
  if (head === undefined || head.id !== command.ticket || hasEntry(head, id)) return { ticket: head, reasons: [] };
  const by = plainText(command.by, 100) || "unnamed";
  const outcome = outcomeOf(head, command, by, storedAtMs);
  const entry: HistoryEntry = {
    id,
    atMs: storedAtMs,
    kind: outcome.kind,
    by,
    text: plainText(outcome.text, 2000),
    command: command.id,
    ...(outcome.kind === "refused" && { code: outcome.code }),
  };
  const changed = outcome.kind === "refused" ? head : { ...head, ...outcome.change };
  const ticket = settle({ ...changed, ...remember(head, [entry]) }, nowMs, storedAtMs);
  const closes: Reason[] =
    ticket.status === "closed" && head.status === "open" && command.kind === "unhold" ? [closing(ticket)] : [];
  return { ticket, reasons: [outcome.kind, ...closes] };
}

function closing({ violation }: Ticket): Reason {
  return violation.state === "retired" ? "retired" : "cleared";
}

function outcomeOf(ticket: Ticket, command: Command, by: string, atMs: number): Outcome {
  if (command.kind === "comment") return { kind: "commented", text: command.text, change: {} };
  if (ticket.status === "closed") {
    return {
      kind: "refused",
      code: "TICKET_CLOSED",
      text: `${command.kind}: the ticket is closed; comment on it instead`,
    };
  }
  if (command.kind === "resolve") return resolve(ticket, command, by, atMs);
  if (command.kind === "hold") return { kind: "held", text: command.reason, change: { held: true } };
  if (command.kind === "acknowledge") {
    return { kind: "acknowledged", text: `${by} looks into it`, change: { acknowledgedBy: by } };
  }
  if (!ticket.held) return { kind: "refused", code: "NOT_HELD", text: "unhold: the ticket isn't held" };
  return { kind: "unheld", text: "may close again, and be diagnosed", change: { held: false } };
}

function resolve(
  ticket: Ticket,
  { force, reason }: Extract<Command, { kind: "resolve" }>,
  by: string,
  atMs: number,
): Outcome {
  const refused = (code: string, text: string) => ({ kind: "refused", code, text: `resolve: ${text}` }) as const;
  // Else a person could pass for the observations that alone prove a system whole.
  if (by === byObservation) return refused("NAME_RESERVED", `"${by}" is no person's name; give another`);
  if (!force && !isOver(ticket.violation)) {
    return refused(
      "STILL_BROKEN",
      `${ticket.invariant} of ${ticket.target} is ${ticket.violation.state}; force it with a reason, or wait`,
    );
  }
  if (!force && ticket.held) return refused("TICKET_HELD", "the ticket is held; unhold it, or force it with a reason");
  return {
    kind: "resolved",
    text: reason,
    change: { status: "closed", closedBy: by, closedAtMs: atMs, held: false },
  };
}

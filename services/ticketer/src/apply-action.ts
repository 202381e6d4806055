import type { Action, ActionStep } from "@operator/contracts/action";
import type { HistoryEntry, Ticket } from "@operator/contracts/ticket";
import { plainText } from "@operator/evidence/telemetry";
import { hasEntry, remember } from "./history.ts";
import type { Applied } from "./ticket-event.ts";

/**
 * What an action's way makes of its ticket: an entry per step, and escalation where something was tried and didn't help.
 * Nothing else: only the checker's word closes a ticket.
 */
export function applyAction(head: Ticket | undefined, action: Action): Applied {
  const quiet = { ticket: head, reasons: [] };
  if (head === undefined || head.id !== action.ticket) return quiet;
  const news = action.steps.map((step) => entryOf(action, step)).filter(({ id }) => !hasEntry(head, id));
  if (news.length === 0) return quiet;
  const escalates = action.escalated && !head.escalated;
  const last = action.steps.at(-1);
  const escalation: HistoryEntry[] =
    escalates && last
      ? [{ ...entryOf(action, last), id: `escalated:${action.id}`, kind: "escalated", by: "ticketer" }]
      : [];
  const ticket = {
    ...head,
    ...remember(head, [...news, ...escalation]),
    escalated: head.escalated || action.escalated,
  };
  return { ticket, reasons: ["acted", ...(escalates ? ["escalated" as const] : [])] };
}

function entryOf({ id, proposal }: Action, step: ActionStep): HistoryEntry {
  const code = step.code === undefined ? "" : `${step.code}: `;
  return {
    id: `action:${id}:${step.state}`,
    atMs: step.atMs,
    kind: "action",
    by: plainText(step.by, 100),
    text: plainText(`${proposal.action} of ${proposal.target} ${step.state}: ${code}${step.text}`, 1_500),
  };
}

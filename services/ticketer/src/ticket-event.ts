import type { Action } from "@operator/contracts/action";
import type { Command } from "@operator/contracts/command";
import type { DiagnosisEvent, Rejection } from "@operator/contracts/diagnosis";
import type { Ticket } from "@operator/contracts/ticket";
import type { Violation } from "@operator/contracts/violation";

/** What a ticket is folded from. `storedAtMs` is the bus's own time: the same for all readers, and not the sender's to choose. */
export type TicketEvent =
  | { kind: "violation"; violation: Violation }
  | {
      kind: "diagnosis";
      said: DiagnosisEvent;
      storedAtMs: number;
      /** The validator on the evidence itself; asked only of a `done` that the ticket takes. */
      rejectionsOf: (ticket: Ticket) => Rejection[];
    }
  | { kind: "action"; action: Action }
  | { kind: "command"; command: Command; storedAtMs: number };

/** Why a ticket has a new revision. */
export type Reason =
  | "first-seen"
  | "worsened"
  | "eased"
  | "blind"
  | "seen-again"
  | "begun-again"
  | "cleared"
  | "retired"
  | "explained"
  | "unexplained"
  | "started"
  | "waiting"
  | "diagnosed"
  | "ungrounded"
  | "failed"
  | "escalated"
  | "acknowledged"
  | "held"
  | "unheld"
  | "commented"
  | "resolved"
  | "refused"
  | "acted";

/** What an event made of a ticket. No reasons: quiet, nobody needs to hear of it. The same ticket: nothing was learnt. */
export interface Applied {
  ticket: Ticket | undefined;
  /** The generation before, to be kept under its own key before the head moves on. */
  archive?: Ticket;
  reasons: Reason[];
}

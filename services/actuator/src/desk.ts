import type { Approver } from "@operator/approval/keys";
import type { Policy } from "@operator/approval/policy";
import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { patternOf } from "@operator/contracts/channel";
import type { Action, ActionStep } from "@operator/contracts/action";
import type { ActionId } from "@operator/contracts/action-id";
import type { Refusal } from "@operator/contracts/approval";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId, type TicketId } from "@operator/contracts/ticket-id";
import type { Violation } from "@operator/contracts/violation";
import { plainText } from "@operator/evidence/telemetry";
import type { ServiceContext } from "@operator/service/service-context";
import type { Silences } from "@operator/service/silences";
import type { ActionHands, ActionRefusal } from "@operator/subject/action";
import type { Book } from "./book.ts";
import type { ControlDesk } from "./control.ts";
import type { ActingRoom } from "./rooms.ts";

/** Clocks differ, and a claimant that is about to write down what it did gets to do so. */
export const deadAfterMs = 2_000;

/** What the actuator works with. */
export interface Desk {
  context: ServiceContext;
  book: Book;
  control: ControlDesk;
  tickets: Bucket<Ticket>;
  /** People's words that didn't count, by statement and place in APPROVALS. */
  refusals: Bucket<Refusal>;
  silences: Silences;
  room: (subject: string) => Promise<ActingRoom>;
  hands: ActionHands;
  policy: Policy;
  approvers: () => readonly Approver[];
  /** Actions that the policy would approve and the playbook doesn't propose: evidence doesn't change, so that stays so. */
  disagreed: Set<ActionId>;
}

/** A step of an action, as of now. */
export function stepOf(
  { context }: Pick<Desk, "context">,
  state: ActionStep["state"],
  text: string,
  { code, by = context.instance }: { code?: string; by?: string } = {},
): ActionStep {
  return {
    state,
    atMs: Date.now(),
    by: plainText(by, 100),
    text: plainText(text, 1_000),
    ...(code === undefined ? {} : { code: plainText(code, 100) }),
  };
}

/** The checker's newest word on what a ticket is about. */
export async function violationOf(bus: Bus, ticket: TicketId): Promise<Violation | undefined> {
  const { subject, invariant, target } = partsOfTicketId(ticket);
  const address = patternOf(flow.violation, { subject, invariant, target });
  return (await bus.last(flow.violation, address))?.message;
}

/** Do people want nothing done about it now? Then its ticket is held, or its target is silenced. */
export async function isOnHold(
  { silences }: Pick<Desk, "silences">,
  { ticket: id }: Action,
  ticket: Ticket | undefined,
): Promise<boolean> {
  if (ticket?.held) return true;
  await silences.refresh();
  return silences.of(partsOfTicketId(id)) !== undefined;
}

/** Why there is nothing left to mend; undefined while there is. */
export async function isMoot(
  { context }: Pick<Desk, "context">,
  { ticket: id }: Action,
  ticket: Ticket | undefined,
): Promise<ActionRefusal | undefined> {
  const violation = await violationOf(context.bus, id);
  if (!violation || isOver(violation)) return { code: "VIOLATION_OVER", message: "what it was to mend is over" };
  // A later generation of the same violation has a ticket, diagnoses and actions of its own.
  if (ticket?.status !== "open") return { code: "TICKET_CLOSED", message: `no ticket ${id} is open` };
  return undefined;
}

/** Ends an action that wasn't begun, as nothing is left to do or it may not be done any more. */
export async function cancel(
  desk: Pick<Desk, "book" | "context">,
  { id }: Action,
  { code, message }: ActionRefusal,
): Promise<void> {
  await desk.book.step(id, () => ({ step: stepOf(desk, "cancelled", message, { code }) }));
}

/** Ends an action that isn't to be done. */
export async function refuse(
  desk: Pick<Desk, "book" | "context">,
  { id }: Action,
  code: string,
  message: string,
): Promise<void> {
  await desk.book.step(id, () => ({ step: stepOf(desk, "refused", message, { code }) }));
}

/** The checker says that it's over: whole again, or gone on purpose. */
export function isOver({ state }: Violation): boolean {
  return state === "cleared" || state === "retired";
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

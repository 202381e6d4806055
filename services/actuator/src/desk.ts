import type { Approver } from "@operator/approval/keys";
import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { patternOf } from "@operator/contracts/channel";
import type { ActionStep } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId, type TicketId } from "@operator/contracts/ticket-id";
import type { Violation } from "@operator/contracts/violation";
import { plainText } from "@operator/evidence/telemetry";
import type { ServiceContext } from "@operator/service/service-context";
import type { ActionHands } from "@operator/subject/action";
import type { Book } from "./book.ts";
import type { ControlDesk } from "./control.ts";
import type { Policy } from "./policy.ts";
import type { ActingRoom } from "./rooms.ts";

/** What the actuator works with. */
export interface Desk {
  context: ServiceContext;
  book: Book;
  control: ControlDesk;
  tickets: Bucket<Ticket>;
  room: (subject: string) => Promise<ActingRoom>;
  hands: ActionHands;
  policy: Policy;
  approvers: () => readonly Approver[];
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

/** The checker says that it's over: whole again, or gone on purpose. */
export function isOver({ state }: Violation): boolean {
  return state === "cleared" || state === "retired";
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { z } from "zod";
import { SubjectName, TimeMs } from "./names.ts";
import { TicketId } from "./ticket-id.ts";

const about = {
  /** Drawn by the sender; the ticket event that carries it is the outcome. */
  id: z.uuid(),
  subject: SubjectName,
  ticket: TicketId,
  /** The person, as they name themselves. */
  by: z.string().min(1).max(100),
  atMs: TimeMs,
};
const text = z.string().min(1).max(2000);

/** A person's word about a ticket. */
export const Command = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("acknowledge"), ...about }),
  z.object({ kind: z.literal("hold"), ...about, reason: text }),
  z.object({ kind: z.literal("unhold"), ...about }),
  z.object({ kind: z.literal("comment"), ...about, text }),
  /** Refused while the violation is firing or blind, unless forced; either way with a reason. */
  z.object({ kind: z.literal("resolve"), ...about, reason: text, force: z.boolean() }),
]);
export type Command = z.infer<typeof Command>;

import { z } from "zod";
import { InvariantName, SubjectName, TargetName } from "./names.ts";
import { fromToken, toToken } from "./tokens.ts";

/** `<subject>.<invariant>.<target>.<generation>` as tokens, e.g. `ratelimiter.node_down.node-a.1`. */
export const TicketId = z
  .string()
  .max(620)
  .regex(/^[\w=-]+\.[\w=-]+\.[\w=-]+\.[1-9]\d*$/)
  .brand<"TicketId">();
export type TicketId = z.infer<typeof TicketId>;

export function ticketIdOf(about: {
  subject: string;
  invariant: string;
  target: string;
  generation: number;
}): TicketId {
  return TicketId.parse(
    [about.subject, about.invariant, about.target, String(about.generation)].map(toToken).join("."),
  );
}

/** The names that a ticket's id is made of. Throws on a text that is no ticket id. */
export function partsOfTicketId(id: TicketId) {
  const [subject = "", invariant = "", target = "", generation = ""] = id.split(".").map(fromToken);
  return {
    subject: SubjectName.parse(subject),
    invariant: InvariantName.parse(invariant),
    target: TargetName.parse(target),
    generation: Number(generation),
  };
}

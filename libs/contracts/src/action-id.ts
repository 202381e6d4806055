import { z } from "zod";
import { partsOfTicketId, TicketId } from "./ticket-id.ts";

/** `<ticket>.<attempt>.<n>`: proposal n of that attempt's diagnosis, e.g. `ratelimiter.node_down.node-a.1.1.1`. */
export const ActionId = z
  .string()
  .max(640)
  .regex(/^[\w=-]+\.[\w=-]+\.[\w=-]+\.[1-9]\d*\.[1-9]\d*\.[1-9]\d*$/)
  .brand<"ActionId">();
export type ActionId = z.infer<typeof ActionId>;

export function actionIdOf(about: { ticket: TicketId; attempt: number; n: number }): ActionId {
  return ActionId.parse(`${about.ticket}.${about.attempt}.${about.n}`);
}

/** The names that an action's id is made of. Throws on a text that is no action id. */
export function partsOfActionId(id: ActionId) {
  const tokens = id.split(".");
  const ticket = TicketId.parse(tokens.slice(0, 4).join("."));
  return { ...partsOfTicketId(ticket), ticket, attempt: Number(tokens[4]), n: Number(tokens[5]) };
}

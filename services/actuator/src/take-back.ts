import type { Action } from "@operator/contracts/action";
import { claimMarginMs } from "./carry-out.ts";
import { type Desk, isOnHold, stepOf, wordsOf } from "./desk.ts";
import { parametersOf } from "./execute.ts";
import { ticketOf } from "./propose.ts";
import { settleInFlight } from "./in-flight.ts";

/**
 * Takes back an action that didn't help, where an undo is declared. That changes the subject like any action, so it's claimed
 * like one: after the kill switch nothing is taken back either. Done again when its claimant died, which an undo stands.
 */
export async function takeBack(desk: Desk, action: Action): Promise<void> {
  const { book, control } = desk;
  const { id, subject, proposal, before } = action;
  const definition = (await desk.room(subject)).actions.get(proposal.action);
  if (!definition?.undo) return;
  if (await isOnHold(desk, action, await ticketOf(desk.tickets, action.ticket))) return;
  const nowMs = Date.now();
  const untilMs = nowMs + definition.executeWithinMs + claimMarginMs;
  const hindrance = await control.claim(
    subject,
    action.approval?.term ?? 0,
    { action: id, by: desk.context.instance, claimedAtMs: nowMs, untilMs },
    // The claim of one who died runs out, and is settled then.
    () => false,
  );
  if (hindrance?.code === "IN_FLIGHT") return;
  const end = async (state: "undone" | "failed", text: string, code?: string) => {
    await book.step(id, () => ({ step: stepOf(desk, state, text, code === undefined ? {} : { code }) }));
  };
  if (hindrance) {
    await end("failed", `not taken back: ${hindrance.message}`, "UNDO_NOT_ALLOWED");
  } else if ((await book.get(id))?.state === "unverified") {
    try {
      const given = { target: proposal.target, parameters: parametersOf(action, definition), before };
      await end("undone", await definition.undo(given, desk.hands, AbortSignal.timeout(definition.executeWithinMs)));
    } catch (error) {
      await end("failed", `taking it back failed: ${wordsOf(error)}`, "UNDO_FAILED");
    }
  }
  await settleInFlight(desk);
}

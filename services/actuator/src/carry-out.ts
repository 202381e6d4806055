import type { Action } from "@operator/contracts/action";
import type { Action as Definition } from "@operator/subject/action";
import { cancel, type Desk, isMoot, isOnHold, refuse, stepOf, wordsOf } from "./desk.ts";
import { execute } from "./execute.ts";
import { freshState, unseenIn } from "./fresh-state.ts";
import { ticketOf } from "./propose.ts";
import { settleInFlight } from "./in-flight.ts";
import { whatSpeaksAgainst } from "./speaks-against.ts";

/** Around the effect: to ask for fresh state, and to write down what was done. */
export const claimMarginMs = 8_000;
/** Who claimed it says so in the action at once; who didn't by then died before anything began. */
const takeOverAfterMs = 5_000;

/**
 * Carries out an approved action: the claim first, so that no other of its subject begins meanwhile; then what the history
 * says against it, fresh state and the guard, and the effect, once. Whatever happens is a step; what isn't the time for it
 * yet is tried again by the next beat.
 */
export async function carryOut(desk: Desk, action: Action): Promise<void> {
  const { book, control, policy } = desk;
  const { id, subject, approval, proposal } = action;
  if (!approval) return;
  const definition = (await desk.room(subject)).actions.get(proposal.action);
  if (!definition) {
    return await refuse(desk, action, "CATALOGUE_MISSING", `${proposal.action} is not in the catalogue any more`);
  }
  const ticket = await ticketOf(desk.tickets, action.ticket);
  if (await isOnHold(desk, action, ticket)) return;
  const moot = await isMoot(desk, action, ticket);
  if (moot) return await cancel(desk, action, moot);

  // An observer that is just being replaced, or that lost a target from sight for a moment, is no reason to refuse what was
  // approved: it's asked again by the next beat.
  if (!(await isSeen(desk, action, definition))) return;

  const nowMs = Date.now();
  const untilMs = nowMs + definition.executeWithinMs + claimMarginMs;
  const claim = { by: desk.context.instance, atMs: nowMs, untilMs };
  const hindrance = await control.claim(
    subject,
    approval.term,
    { action: id, by: claim.by, claimedAtMs: nowMs, untilMs },
    (other) => nowMs - other.claimedAtMs > takeOverAfterMs,
  );
  if (hindrance?.code === "IN_FLIGHT") return;
  if (hindrance) return await cancel(desk, action, hindrance);
  // Claims of a subject come one after the other, so what was begun before this one is in the book by now.
  await book.refresh();
  const against = whatSpeaksAgainst(action, definition, { actions: book.all(), policy, nowMs });
  if (against) {
    await refuse(desk, action, against.code, against.message);
  } else {
    const claimed = await book.step(id, (now) =>
      nowMs < now.expiresAtMs
        ? { step: stepOf(desk, "claimed", `claimed until ${new Date(untilMs).toISOString()}`), changes: { claim } }
        : undefined,
    );
    // Rejected, cancelled or claimed by another since: then it's not for this one to begin.
    if (claimed) await execute(desk, claimed, definition);
  }
  await settleInFlight(desk);
}

/** Does somebody see now what the guard reads? */
async function isSeen(
  { context, room }: Desk,
  { id, subject, proposal }: Action,
  { needs }: Definition<never>,
): Promise<boolean> {
  const notSeen = (why: string) => {
    context.log.warn({ action: id, why }, "without fresh state nothing is begun, asking again");
    return false;
  };
  try {
    const state = await freshState(context.bus, subject, (await room(subject)).state);
    const unseen = unseenIn(state, needs(proposal.target));
    return unseen.length === 0 || notSeen(`the observer doesn't see the ${unseen.join(", the ")}`);
  } catch (error) {
    return notSeen(wordsOf(error));
  }
}

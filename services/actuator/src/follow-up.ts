import type { Action } from "@operator/contracts/action";
import type { Action as Definition } from "@operator/subject/action";
import { cancel, deadAfterMs, type Desk, isMoot, isOver, stepOf, violationOf, wordsOf } from "./desk.ts";
import { parametersOf } from "./execute.ts";
import { freshState } from "./fresh-state.ts";
import { ticketOf } from "./propose.ts";
import { settleInFlight } from "./in-flight.ts";

/** So long the observer is asked whether a died claimant's action took effect. */
const readBackMs = 60_000;
/** An effect shows by then: sources are read every second. Until then a "no" doesn't count. */
const showsAfterMs = 5_000;

/** A proposal that nobody decided on ends by itself: too old, or its violation is over. */
export async function followProposed(desk: Desk, action: Action): Promise<void> {
  const nowMs = Date.now();
  if (nowMs >= action.expiresAtMs) {
    const text = `not begun by ${new Date(action.expiresAtMs).toISOString()}`;
    await desk.book.step(action.id, () => ({ step: stepOf(desk, "expired", text, { code: "EXPIRED" }) }));
    return;
  }
  const moot = await isMoot(desk, action, await ticketOf(desk.tickets, action.ticket));
  if (moot) await cancel(desk, action, moot);
}

/**
 * An executed action is verified by the checker alone: its violation cleared as of a time after the effect began. Not after
 * it was acknowledged: a container that is started answers long before its own check finds it healthy.
 */
export async function followExecuted(desk: Desk, action: Action): Promise<void> {
  const { effectFromMs = Infinity, verifyByMs = 0 } = action;
  const violation = await violationOf(desk.context.bus, action.ticket);
  if (violation && isOver(violation) && violation.asOf > effectFromMs) {
    const { invariant, target, state, asOf } = violation;
    const text = `${invariant} of ${target} is ${state} as of ${new Date(asOf).toISOString()}, after the effect began`;
    await desk.book.step(action.id, () => ({ step: stepOf(desk, "verified", text) }));
    return;
  }
  if (Date.now() < verifyByMs) return;
  const text = `not cleared by ${new Date(verifyByMs).toISOString()}: it didn't help, or it can't be seen`;
  await desk.book.step(action.id, () => ({ step: stepOf(desk, "unverified", text, { code: "NOT_CLEARED" }) }));
}

/** A claim that ran out: its claimant died, or is frozen. */
export async function followClaimed(desk: Desk, action: Action): Promise<void> {
  const untilMs = action.claim?.untilMs ?? 0;
  if (Date.now() < untilMs + deadAfterMs) return;
  const text = `${action.claim?.by ?? "nobody"} claimed it until ${new Date(untilMs).toISOString()} and said nothing since`;
  await desk.book.step(action.id, () => ({ step: stepOf(desk, "unknown", text, { code: "CLAIMANT_SILENT" }) }));
}

/** Reads back whether an action took effect: its claimant died, or lost the answer. Nothing is done a second time. */
export async function followUnknown(desk: Desk, action: Action): Promise<void> {
  const { subject, proposal, steps } = action;
  const sinceMs = Date.now() - (steps.at(-1)?.atMs ?? 0);
  const definition = (await desk.room(subject)).actions.get(proposal.action);
  const answer = definition && (await isDone(desk, action, definition));
  if (answer === true) {
    const nowMs = Date.now();
    await desk.book.step(action.id, () => ({
      step: stepOf(desk, "executed", "fresh state shows that it took effect", { code: "READ_BACK" }),
      // Somewhere after the claim.
      changes: { effectFromMs: action.claim?.atMs ?? nowMs, verifyByMs: nowMs + definition.verifyWithinMs },
    }));
  } else if (answer === false) {
    if (sinceMs < showsAfterMs) return;
    const text = "fresh state shows no effect, and it isn't done a second time";
    await desk.book.step(action.id, () => ({ step: stepOf(desk, "failed", text, { code: "NO_EFFECT" }) }));
  } else {
    if (sinceMs < readBackMs) return;
    const text = "whether it took effect couldn't be read back";
    await desk.book.step(action.id, () => ({ step: stepOf(desk, "failed", text, { code: "EFFECT_UNKNOWN" }) }));
  }
  await settleInFlight(desk);
}

async function isDone(desk: Desk, action: Action, definition: Definition<never>): Promise<boolean | undefined> {
  try {
    const state = await freshState(desk.context.bus, action.subject, (await desk.room(action.subject)).state);
    const parameters = parametersOf(action, definition);
    return definition.isDone({ state, target: action.proposal.target, parameters });
  } catch (error) {
    desk.context.log.warn({ action: action.id, why: wordsOf(error) }, "can't be read back yet");
    return undefined;
  }
}

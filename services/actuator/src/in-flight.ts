import type { Action } from "@operator/contracts/action";
import type { InFlight } from "@operator/contracts/control";
import { SubjectName } from "@operator/contracts/names";
import { deadAfterMs, type Desk } from "./desk.ts";

/**
 * Takes what is settled out of `control`, whoever claimed it: a claimant may have died between the last step and this. What
 * isn't settled stays named, however long it takes, as the kill switch promises.
 */
export async function settleInFlight({ book, control }: Pick<Desk, "book" | "control">): Promise<void> {
  for (const [name, inFlight] of Object.entries((await control.read()).inFlight)) {
    const action = await book.get(inFlight.action);
    if (action && mayTakeEffect(action, inFlight, Date.now())) continue;
    await control.release(SubjectName.parse(name), inFlight);
  }
}

/** Is an action that was claimed about to begin, being done, or being taken back? */
function mayTakeEffect({ state }: Action, { untilMs }: InFlight, nowMs: number): boolean {
  if (state === "approved" || state === "claimed" || state === "unknown") return true;
  // Whether it's being taken back or only was claimed before, nobody says: so it's as long as the claim holds.
  return state === "unverified" && nowMs < untilMs + deadAfterMs;
}

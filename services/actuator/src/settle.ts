import type { Action } from "@operator/contracts/action";
import { SubjectName } from "@operator/contracts/names";
import type { Desk } from "./desk.ts";

/** In these states an action that was claimed may be taking effect: it's about to, it is, or it's being taken back. */
const unsettled: readonly Action["state"][] = ["approved", "claimed", "unknown", "unverified"];

/**
 * Takes what is settled out of `control`, whoever claimed it: a claimant may have died between the last step and this. What
 * isn't settled stays named, however long it takes, as the kill switch promises.
 */
export async function settleInFlight({ book, control }: Pick<Desk, "book" | "control">): Promise<void> {
  for (const [name, inFlight] of Object.entries((await control.read()).inFlight)) {
    const action = await book.get(inFlight.action);
    if (action && unsettled.includes(action.state)) continue;
    await control.release(SubjectName.parse(name), inFlight);
  }
}

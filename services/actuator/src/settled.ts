import type { Policy } from "@operator/approval/policy";
import type { Action } from "@operator/contracts/action";
import type { Action as Definition } from "@operator/subject/action";
import type { ActingRoom } from "./rooms.ts";

const hourMs = 3_600_000;

/**
 * Does nothing depend on keeping this action in mind any more? It's over and told, and neither the budget of an hour nor its
 * own cool-down counts it. What is asked of it later is read from the bus. `definition` is absent when the catalogue has it
 * no more. Pure.
 */
export function isSettled(
  { state, steps, sent, claim }: Action,
  definition: Pick<Definition<never>, "coolDownMs" | "undo"> | undefined,
  { policy, nowMs }: { policy: Pick<Policy, "coolDownScale">; nowMs: number },
): boolean {
  if (sent < steps.length || !isEnd[state]) return false;
  // It's taken back as soon as it may be.
  if (state === "unverified" && definition?.undo) return false;
  const countsMs = Math.max(hourMs, (definition?.coolDownMs ?? 0) * policy.coolDownScale);
  return claim === undefined || nowMs - claim.atMs >= countsMs;
}

/** States in which nothing more is done about an action. */
const isEnd: Record<Action["state"], boolean> = {
  proposed: false,
  approved: false,
  claimed: false,
  executed: false,
  unknown: false,
  unverified: true,
  verified: true,
  refused: true,
  rejected: true,
  expired: true,
  cancelled: true,
  failed: true,
  undone: true,
};

/** The same for actions of any room, each by its own definition. Without its room nobody knows. */
export function settledBy(room: (subject: string) => Promise<ActingRoom>, policy: Policy, now: () => number) {
  return async (action: Action): Promise<boolean> => {
    const found = await room(action.subject).catch(() => undefined);
    if (!found) return false;
    return isSettled(action, found.actions.get(action.proposal.action), { policy, nowMs: now() });
  };
}

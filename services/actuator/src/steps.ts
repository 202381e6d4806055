import type { Action, ActionState, ActionStep } from "@operator/contracts/action";

/** Where an action may go from where it is. What isn't listed can't happen, whoever asks. */
const arrows: Record<ActionState, readonly ActionState[]> = {
  proposed: ["approved", "refused", "rejected", "expired", "cancelled"],
  approved: ["claimed", "refused", "rejected", "expired", "cancelled"],
  claimed: ["executed", "refused", "unknown"],
  unknown: ["executed", "failed"],
  executed: ["verified", "unverified"],
  unverified: ["undone", "failed"],
  verified: [],
  refused: [],
  rejected: [],
  expired: [],
  cancelled: [],
  failed: [],
  undone: [],
};

/** Ends with which a person has to look: something was done or tried, and didn't help. */
const escalating: readonly ActionState[] = ["failed", "unverified", "undone"];

/** The action one step further; undefined when no arrow leads there. */
export function withStep(action: Action, step: ActionStep, changes: Partial<Action> = {}): Action | undefined {
  if (!arrows[action.state].includes(step.state)) return undefined;
  return {
    ...action,
    ...changes,
    state: step.state,
    revision: action.revision + 1,
    escalated: action.escalated || escalating.includes(step.state),
    steps: [...action.steps, step],
  };
}

/** The action as it was at its nth step: what the event of that step says, whenever it's sent. */
export function asOfStep(action: Action, n: number): Action {
  const steps = action.steps.slice(0, n);
  const last = steps.at(-1);
  if (last === undefined || n === action.steps.length) return action;
  return { ...action, state: last.state, revision: n, steps };
}

import type { Policy } from "@operator/approval/policy";
import type { Action } from "@operator/contracts/action";
import type { ActionRefusal, Action as Definition } from "@operator/subject/action";

const hourMs = 3_600_000;

/**
 * What the history of actions says against beginning this one now: the same was done to the same target lately, enough was
 * done within an hour, or a member may be out already. Pure.
 */
export function whatSpeaksAgainst(
  { id, subject, proposal }: Action,
  { takesOut, ...definition }: Pick<Definition<never>, "coolDownMs" | "takesOut">,
  given: { actions: readonly Action[]; policy: Pick<Policy, "perHourMax" | "coolDownScale">; nowMs: number },
): ActionRefusal | undefined {
  const { policy, nowMs } = given;
  const coolDownMs = definition.coolDownMs * policy.coolDownScale;
  // One that was claimed and then refused did nothing.
  const begun = given.actions.flatMap((other) =>
    other.id !== id && other.subject === subject && other.claim !== undefined && other.state !== "refused"
      ? [{ ...other, agoMs: nowMs - other.claim.atMs }]
      : [],
  );
  const same = begun.find(
    (other) =>
      other.proposal.action === proposal.action &&
      other.proposal.target === proposal.target &&
      other.agoMs < coolDownMs,
  );
  if (same) {
    const message = `${proposal.action} of ${proposal.target} was begun ${Math.round(same.agoMs / 1_000)} s ago (${same.id}); it cools down for ${coolDownMs / 1_000} s`;
    return { code: "COOL_DOWN", message };
  }
  const within = begun.filter(({ agoMs }) => agoMs < hourMs);
  if (within.length >= policy.perHourMax) {
    const message = `${within.length} actions of ${subject} were begun within an hour, at most ${policy.perHourMax} are allowed`;
    return { code: "BUDGET_SPENT", message };
  }
  const open = begun.find(({ state }) => state === "executed" || state === "unknown" || state === "claimed");
  if (!takesOut || !open) return undefined;
  const message = `it takes a member out, and ${open.id} (${open.proposal.action} of ${open.proposal.target}) isn't settled`;
  return { code: "BLAST_RADIUS", message };
}

import type { SubjectName } from "@operator/contracts/names";
import type { Violation, ViolationState } from "@operator/contracts/violation";
import type { Explainer } from "./explain.ts";
import type { FiredTrack } from "./track.ts";

/** A violation is said again so often, in event time, so that a lost message heals. */
const repeatMs = 5_000;

/** The violation of a track as it stands. `state` differs from what was said when the episode ends. */
export function violationOf(
  subject: SubjectName,
  track: FiredTrack,
  at: { nowMs: number; state: ViolationState; summary?: string },
  explainer: Explainer,
): Violation {
  const { invariant, target, breach, fired } = track;
  const isOver = at.state === "cleared" || at.state === "retired";
  const symptom = { invariant, target, detail: breach.detail, isBlind: at.state === "blind" };
  // What is ok by now isn't broken still: it ends as it was said to be, however long its proof takes.
  const isEnding = isOver || track.state === "clearing";
  const explainedBy = isEnding ? fired.saidExplainedBy : explainer.explainedBy(symptom);
  return {
    subject,
    invariant,
    target,
    state: at.state,
    severity: breach.severity,
    asOf: at.nowMs,
    sinceMs: breach.sinceMs,
    changedAtMs: isOver ? at.nowMs : fired.changedAtMs,
    occurrences: breach.occurrences,
    summary: (at.summary ?? breach.summary).slice(0, 500),
    detail: breach.detail,
    explainedBy,
    mayBeExplained: !isOver && explainedBy.length === 0 && explainer.mayBeExplained(symptom),
    comebacks: fired.comebacks,
    ...(fired.firstBad ? { firstBad: fired.firstBad } : {}),
    ...(fired.lastGood ? { lastGood: fired.lastGood } : {}),
  };
}

/** Why a violation is to be published now. */
export function whySay(track: FiredTrack, violation: Violation): "changed" | "repeat" | "quiet" {
  if (track.fired.saidAs !== wordingOf(violation)) return "changed";
  return violation.asOf - track.fired.saidAtMs >= repeatMs ? "repeat" : "quiet";
}

/** What others act on, in one line: a change in it is news, a new number isn't. */
export function wordingOf({ state, severity, explainedBy, mayBeExplained, detail }: Violation): string {
  const how = detail.kind === "unreachable" ? detail.how : detail.kind;
  return [state, severity, how, mayBeExplained ? "may be explained" : "", ...explainedBy].join(" ");
}

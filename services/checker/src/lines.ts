import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Case } from "./case.ts";
import type { Explainer } from "./explain.ts";
import type { Track } from "./track.ts";

/** One line of `operator status`. `okSinceMs`: since when the target is plainly ok, when it is. */
export function lineOf(
  now: Case,
  track: Track | undefined,
  at: { nowMs: number; okSinceMs: number },
  explainer: Explainer,
): VerdictLine {
  const { rule, target, judgement } = now;
  const state = track?.state ?? (judgement.verdict === "unknown" ? "unknown" : "ok");
  const broken = track && track.state !== "unknown" ? track : undefined;
  const value = judgement.verdict === "unknown" ? undefined : judgement.value;
  return {
    invariant: rule.invariant,
    target,
    severity: rule.severity,
    verdict: judgement.verdict,
    state,
    sinceMs: track?.sinceMs ?? at.okSinceMs,
    reason: judgement.reason.slice(0, 500),
    ...(value === undefined ? {} : { value }),
    ...(rule.limit === undefined ? {} : { limit: rule.limit }),
    ...(rule.unit === undefined ? {} : { unit: rule.unit }),
    ...(track?.state === "pending"
      ? { graceLeftMs: Math.max(0, Math.round(rule.graceMs - (at.nowMs - track.breach.sinceMs))) }
      : {}),
    explainedBy: broken
      ? explainer.explainedBy({
          invariant: rule.invariant,
          target,
          detail: broken.breach.detail,
          isBlind: state === "blind",
        })
      : [],
    sources: now.sources,
  };
}

import { type SourceName, TargetName } from "@operator/contracts/names";
import type { Explanation, Symptom } from "./topology.ts";

/** The invariants that every subject has, about the loop's own sight. Rooms may explain them, never define them. */
export const framework = {
  /**
   * A source hasn't read a target for 30 s. Target: `<source>-<target>`; or the source alone, when it reads none of
   * several: one broken source is one ticket, however many targets it lost.
   */
  sourceBlind: { name: "source_blind", severity: "warning", graceMs: 30_000, worstDetectionMs: 36_000 },
  /** No snapshot for 5 s. Target: `observer`. Said by the checker. */
  observerSilent: {
    name: "observer_silent",
    target: "observer",
    severity: "critical",
    graceMs: 5_000,
    worstDetectionMs: 6_000,
  },
  /** No verdicts for 5 s. Target: `checker`. Said by the ticketer. */
  checkerSilent: {
    name: "checker_silent",
    target: "checker",
    severity: "critical",
    graceMs: 5_000,
    worstDetectionMs: 6_000,
  },
} as const;

/** The target of `source_blind` for one target that a source lost: source names have no `-`, so the first one divides. */
export function blindTarget(source: SourceName, about: TargetName): TargetName {
  return TargetName.parse(`${source}-${about}`.slice(0, 128));
}

/** The target of `source_blind` for a source that reads none of its targets. */
export function wholeSourceTarget(source: SourceName): TargetName {
  return TargetName.parse(source);
}

/** Whether a `source_blind` is about a whole source. */
export function isWholeSource({ target, detail }: Symptom): boolean {
  return detail.kind === "blind" && target === detail.source;
}

/** What explains what in every subject; a room's topology adds its own. */
export const frameworkExplanations: Explanation[] = [
  {
    cause: framework.observerSilent.name,
    effect: framework.sourceBlind.name,
    joins: () => true,
    why: "sources are read by the observer: while it says nothing, nobody knows how they are",
  },
  {
    cause: framework.sourceBlind.name,
    effect: framework.sourceBlind.name,
    joins: (cause, effect) =>
      isWholeSource(cause) &&
      !isWholeSource(effect) &&
      cause.detail.kind === "blind" &&
      effect.detail.kind === "blind" &&
      cause.detail.source === effect.detail.source,
    why: "a source that reads nothing at all has one fault, not one per target",
  },
];

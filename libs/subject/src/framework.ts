import { type SourceName, TargetName } from "@operator/contracts/names";

/** The invariants that every subject has, about the loop's own sight. Rooms may explain them, never define them. */
export const framework = {
  /** A source hasn't read a target for 30 s. Target: `<source>-<target>`. */
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

/** The target of `source_blind`: source names have no `-`, so the first one divides. */
export function blindTarget(source: SourceName, about: TargetName): TargetName {
  return TargetName.parse(`${source}-${about}`.slice(0, 128));
}

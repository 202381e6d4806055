import type { Ticket } from "@operator/contracts/ticket";
import { type SubjectName, TargetName, InvariantName } from "@operator/contracts/names";
import type { Violation } from "@operator/contracts/violation";
import { framework } from "@operator/subject/framework";
import { isOver } from "./violation-state.ts";

const { name, target, severity, graceMs: silenceMs } = framework.checkerSilent;
const verdictsMin = 3;
const steadyMs = 3_000;

/** What was last seen of a subject's checker. `…Ms` but `asOf` are of a clock that never goes back. */
export interface Sight {
  /** Event time of the newest verdicts; before the first, when the first ticketer began to look. */
  asOf: number;
  seenAtMs: number;
  /** The verdicts that have come without a silence between them. */
  run: { count: number; fromAsOf: number; fromMs: number };
}

export function firstSight(asOf: number, nowMs: number): Sight {
  return { asOf, seenAtMs: nowMs, run: { count: 0, fromAsOf: asOf, fromMs: nowMs } };
}

/** Verdicts came. Old ones that come again are no sign of life. */
export function seeVerdicts(sight: Sight, asOf: number, nowMs: number): Sight {
  if (asOf <= sight.asOf) return sight;
  const goesOn = sight.run.count > 0 && nowMs - sight.seenAtMs < silenceMs;
  const run = goesOn ? { ...sight.run, count: sight.run.count + 1 } : { count: 1, fromAsOf: asOf, fromMs: nowMs };
  return { asOf, seenAtMs: nowMs, run };
}

/** Who looks couldn't see just now (the bus was away): the silence is counted from here. */
export function lookAway(sight: Sight, nowMs: number): Sight {
  return { ...sight, seenAtMs: nowMs, run: { count: 0, fromAsOf: sight.asOf, fromMs: nowMs } };
}

/** How many times 5 s no verdicts have come. */
export function silencesOf(sight: Sight, nowMs: number): number {
  return Math.floor((nowMs - sight.seenAtMs) / silenceMs);
}

/** The silence as a violation. Dated by the last verdicts, so that all ticketers say it alike. */
export function silenceViolation(subject: SubjectName, sight: Sight, silences: number): Violation {
  const silentMs = silences * silenceMs;
  const sinceMs = sight.asOf + silenceMs;
  return {
    subject,
    invariant: InvariantName.parse(name),
    target: TargetName.parse(target),
    state: "firing",
    severity,
    asOf: sight.asOf + silentMs,
    sinceMs,
    changedAtMs: sinceMs,
    occurrences: silences,
    summary: `no verdicts of ${subject} for ${silentMs / 1_000} s: no checker says how it is`,
    detail: { kind: "silent_service", service: "checker", silentMs },
    explainedBy: [],
    mayBeExplained: false,
    comebacks: 0,
  };
}

/** The end of a silence, when verdicts have come again three times over 3 s by their own time and by ours. */
export function clearingOf(head: Ticket | undefined, sight: Sight): Violation | undefined {
  if (head === undefined || isOver(head.violation)) return undefined;
  const { count, fromAsOf, fromMs } = sight.run;
  const isSteady = count >= verdictsMin && sight.asOf - fromAsOf >= steadyMs && sight.seenAtMs - fromMs >= steadyMs;
  if (!isSteady) return undefined;
  const asOf = Math.max(sight.asOf, head.violation.asOf + 1);
  return {
    ...head.violation,
    state: "cleared",
    asOf,
    changedAtMs: asOf,
    summary: `cleared: ${count} verdicts of ${head.subject} in a row`,
  };
}

import { InvariantName, type Severity, type TargetName } from "@operator/contracts/names";
import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Invariant, Judgement } from "@operator/subject/invariant";

/** A rule as far as tracks and lines need it; graces are scaled already. */
export interface Rule {
  invariant: InvariantName;
  severity: Severity;
  graceMs: number;
  limit?: number | string;
  unit?: string;
}

/** What one rule says of one target at one moment. */
export interface Case {
  rule: Rule;
  target: TargetName;
  judgement: Judgement;
  /** When each reading that the judgement rests on was taken; empty unless all were fresh. */
  reads: readonly number[];
  sources: VerdictLine["sources"];
  /** Positive evidence says that the target left on purpose. */
  left: boolean;
}

/** A room's function that threw, or named what can't be a target: counted and logged, never a crash. */
export interface Failure {
  invariant: string;
  target?: string;
  message: string;
}

/** Everything that the rules say at one moment. */
export interface Survey {
  cases: Case[];
  failures: Failure[];
}

export function ruleOf(invariant: Invariant<never>, graceScale: number): Rule {
  return {
    invariant: InvariantName.parse(invariant.name),
    severity: invariant.severity,
    graceMs: invariant.graceMs * graceScale,
    ...(invariant.limit === undefined ? {} : { limit: invariant.limit }),
    ...(invariant.unit === undefined ? {} : { unit: invariant.unit }),
  };
}

export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 400);
}

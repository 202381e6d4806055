import { Violation } from "@operator/contracts/violation";

/** A violation as the checker would say it of a node that refuses; `occurrences` tells its repeats apart. */
export function violationOf(given: {
  subject: string;
  target: string;
  occurrences: number;
  asOf: number;
  sinceMs: number;
}): Violation {
  return Violation.parse({
    ...given,
    invariant: "node_down",
    state: "firing",
    severity: "critical",
    changedAtMs: given.sinceMs,
    summary: `${given.target} refuses connections (ECONNREFUSED); last answer 0.3 s ago`,
    detail: { kind: "unreachable", how: "refused", silentMs: 300 },
    explainedBy: [],
    mayBeExplained: false,
    comebacks: 0,
    firstBad: {
      address: `operator.evidence.${given.subject}.snapshot.${given.sinceMs}`,
      atMs: given.sinceMs,
      pointers: [`/parts/probe/${given.target}/state`, `/parts/probe/${given.target}/sinceMs`],
    },
  });
}

import type { Violation } from "@operator/contracts/violation";

/** It's a symptom of something else that is broken. */
export function isExplained({ explainedBy }: Violation): boolean {
  return explainedBy.length > 0;
}

/** Nothing is broken any more, on positive evidence. */
export function isOver(violation: Violation): violation is Violation & { state: "cleared" | "retired" } {
  return violation.state === "cleared" || violation.state === "retired";
}

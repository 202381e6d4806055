import type { Verdicts } from "@operator/contracts/verdicts";
import type { StateChange } from "@operator/subject/case-file";

/** Where lines of the verdicts came to another state, oldest first. The first verdicts only say where each line stood. */
export function stateChangesOf(verdicts: readonly Verdicts[]): StateChange[] {
  const stood = new Map<string, string>();
  const changes: StateChange[] = [];
  for (const { lines } of verdicts) {
    for (const { invariant, target, state, sinceMs } of lines) {
      const key = `${invariant} ${target}`;
      const before = stood.get(key);
      stood.set(key, state);
      if (before !== undefined && before !== state) changes.push({ atMs: sinceMs, invariant, target, state });
    }
  }
  return changes;
}

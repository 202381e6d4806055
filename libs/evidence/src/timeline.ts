import type { Verdicts } from "@operator/contracts/verdicts";
import type { StateChange } from "@operator/subject/case-file";

/**
 * Where lines of the verdicts came to another state, taken in oldest first: of a thousand targets none but these are kept.
 * The first verdicts only say where each line stood.
 */
export class Timeline {
  readonly changes: StateChange[] = [];
  readonly #stood = new Map<string, string>();

  take({ lines }: Verdicts): void {
    for (const { invariant, target, state, sinceMs } of lines) {
      const key = `${invariant} ${target}`;
      const before = this.#stood.get(key);
      this.#stood.set(key, state);
      if (before !== undefined && before !== state) this.changes.push({ atMs: sinceMs, invariant, target, state });
    }
  }
}

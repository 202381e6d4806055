import type { PdStore } from "./pd-stores.ts";
import { storeTarget } from "./targets.ts";
import type { StoreReading } from "./state.ts";

const withinMs = 10_000;
/** The score of a link that is well; PD leaves those out. */
const wellScore = 1;

/** Who finds the network to whom slow: score by blamed store, then by the store that says it. */
type Scores = Map<string, Map<string, number>>;

/**
 * Remembers for 10 s what stores say of the network to each other. A score falls over ten minutes, so only its rise tells
 * of the present.
 */
export class StoreBlame {
  #history: { atMs: number; scores: Scores }[] = [];

  /** Takes in a reading of all stores; returns, by blamed target, who says it and how much it rose. The first reading has no rise. */
  learn(stores: readonly PdStore[], atMs: number): Map<string, NonNullable<StoreReading["blamedBy"]>> {
    const scores = scoresOf(stores);
    const isRecent = ({ atMs: at }: { atMs: number }) => atMs - at <= withinMs;
    // One older reading stays: what it says held until the next.
    const oldest = Math.max(0, this.#history.findIndex(isRecent) - 1);
    const history = this.#history.some(isRecent) ? this.#history.slice(oldest) : this.#history.slice(-1);
    this.#history = [...history, { atMs, scores }];
    return new Map(
      [...scores].map(([blamed, by]) => [
        blamed,
        Object.fromEntries(
          [...by].map(([from, score]) => {
            const before = history.map(({ scores }) => scores.get(blamed)?.get(from) ?? wellScore);
            return [from, { score, rose: Math.max(0, score - Math.min(score, ...before)) }];
          }),
        ),
      ]),
    );
  }
}

function scoresOf(stores: readonly PdStore[]): Scores {
  const scores: Scores = new Map();
  for (const { store, status } of stores) {
    for (const [id, score] of Object.entries(status.network_slow_score ?? {})) {
      if (score <= wellScore) continue;
      const blamed = storeTarget(id);
      scores.set(blamed, (scores.get(blamed) ?? new Map<string, number>()).set(storeTarget(store.id), score));
    }
  }
  return scores;
}

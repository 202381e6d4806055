import type { PdStore } from "./pd-stores.ts";
import type { StoreReading } from "./state.ts";
import { storeTarget } from "./targets.ts";

const withinMs = 10_000;
/** The score of a link that is well; PD leaves those out. */
const wellScore = 1;
/** Of more that blame one store the worst stand for all: two thousand wouldn't fit into its reading. */
const shownMax = 8;

interface Blame {
  blamedBy: NonNullable<StoreReading["blamedBy"]>;
  blamerCount: number;
}

type Accusation = [by: string, says: Blame["blamedBy"][string]];

/** What a store said at a time: by the id of the store that it's about. */
interface Said {
  atMs: number;
  scores: Record<string, number>;
}

/**
 * Remembers for 10 s what stores say of the network to each other. A score falls over ten minutes, so only its rise tells
 * of the present.
 */
export class StoreBlame {
  /** By the store that says it, oldest first. */
  #said: ReadonlyMap<string, readonly Said[]> = new Map();

  /** Takes in a reading of all stores; returns, by blamed target, who says it and how much it rose. A store's first word is no rise. */
  learn(stores: readonly PdStore[], atMs: number): Map<string, Blame> {
    const said = new Map<string, readonly Said[]>();
    const blame = new Map<string, Accusation[]>();
    for (const { store, status } of stores) {
      // PD's leader is new, and hasn't heard from it: that isn't the word that all is well, and what it said before is old.
      if (status.capacity === 0) continue;
      const by = storeTarget(store.id);
      const scores = status.network_slow_score ?? {};
      const before = recent(this.#said.get(by) ?? [], atMs);
      said.set(by, [...before, { atMs, scores }]);
      for (const [id, score] of Object.entries(scores)) {
        if (score <= wellScore) continue;
        const lowest = Math.min(score, ...before.map(({ scores }) => scores[id] ?? wellScore));
        const blamed = blame.get(storeTarget(id)) ?? [];
        blamed.push([by, { score, rose: score - lowest }]);
        blame.set(storeTarget(id), blamed);
      }
    }
    this.#said = said;
    return new Map([...blame].map(([blamed, all]) => [blamed, worstOf(all)]));
  }
}

/** One older word stays: it held until the next. */
function recent(said: readonly Said[], atMs: number): readonly Said[] {
  const first = said.findIndex((one) => atMs - one.atMs <= withinMs);
  return first < 0 ? said.slice(-1) : said.slice(Math.max(0, first - 1));
}

/** Those whose score rose come first: they tell of the present, however high others still are. */
function worstOf(all: readonly Accusation[]): Blame {
  const worst = all.toSorted(
    ([, a], [, b]) => Number(b.rose > 0) - Number(a.rose > 0) || b.score - a.score || b.rose - a.rose,
  );
  return { blamedBy: Object.fromEntries(worst.slice(0, shownMax)), blamerCount: all.length };
}

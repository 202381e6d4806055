import { performance } from "node:perf_hooks";

/** So far back an account reaches at least, whatever the key's window. */
const keptMs = 60_000;
/** A question that got no answer in time may be carried out this much later than Redis is back. */
const lateMs = 1_000;

export type Account = ReturnType<typeof createAccount>;

interface Entry {
  /** By Redis' clock, ascending, one per hit. */
  admittedAtUs: number[];
  windowMs: number;
  /** Complete for what came after this. */
  fromUs: number;
  unanswered: { cost: number; atMs: number }[];
}

/**
 * What this node has admitted, key by key, by Redis' clock, so that anybody can hold the log in Redis against what
 * nodes did. Bounded: the keys that were admitted longest ago are forgotten first, and then it says how far back the
 * rest is complete.
 */
export function createAccount(bounds: { keysMax: number; hitsMax: number; hitsPerKeyMax: number }) {
  const entries = new Map<string, Entry>();
  let hits = 0;
  let forgottenUs = 0;
  let connectedAtMs = 0;

  /** The key's entry as the one that was used last. Another window says nothing of what was pruned by the old one. */
  function touch(key: string, windowMs: number, atUs: number): Entry {
    const entry = entries.get(key) ?? { admittedAtUs: [], windowMs, fromUs: 0, unanswered: [] };
    if (entry.windowMs !== windowMs) Object.assign(entry, { windowMs, fromUs: atUs });
    entries.delete(key);
    entries.set(key, entry);
    return entry;
  }

  function forget(): void {
    for (const [key, { admittedAtUs }] of entries) {
      if (entries.size <= bounds.keysMax && hits <= bounds.hitsMax) return;
      entries.delete(key);
      hits -= admittedAtUs.length;
      forgottenUs = Math.max(forgottenUs, admittedAtUs.at(-1) ?? 0);
    }
  }

  return {
    admitted(key: string, cost: number, atUs: number, windowMs: number): void {
      const entry = touch(key, windowMs, atUs);
      const { admittedAtUs } = entry;
      // A clock that is set back must not make the past unreadable.
      const hitUs = Math.max(atUs, admittedAtUs.at(-1) ?? 0);
      for (let hit = 0; hit < cost; hit++) admittedAtUs.push(hitUs);
      hits += cost;
      const tooOld = countUntil(admittedAtUs, atUs - Math.max(windowMs, keptMs) * 1_000);
      const tooMany = Math.max(0, admittedAtUs.length - bounds.hitsPerKeyMax);
      if (tooMany > tooOld) entry.fromUs = Math.max(entry.fromUs, admittedAtUs[tooMany - 1] ?? 0);
      // Seldom and many at once: to move what is left costs as much as what is left.
      if (Math.max(tooOld, tooMany) * 2 > admittedAtUs.length || tooMany > bounds.hitsPerKeyMax / 10) {
        hits -= admittedAtUs.splice(0, Math.max(tooOld, tooMany)).length;
      }
      forget();
    },
    /** Redis was asked and didn't answer: it may have admitted this, or may yet. */
    unanswered(key: string, cost: number, windowMs: number): void {
      // When a window changed is told by what was admitted.
      const entry = touch(key, entries.get(key)?.windowMs ?? windowMs, 0);
      entry.unanswered.push({ cost, atMs: performance.now() });
      if (entry.unanswered.length > bounds.hitsPerKeyMax) entry.unanswered.shift();
      forget();
    },
    connected(): void {
      connectedAtMs = performance.now();
    },
    /** Hits of a key after each of `sinceUs` and until `untilUs`; complete only for what came after `fromUs`. */
    read(
      key: string,
      asked: { sinceUs: number[]; untilUs: number; nowUs: number; windowMs: number; isConnected: boolean },
    ) {
      const { untilUs, nowUs, windowMs, isConnected } = asked;
      const nowMs = performance.now();
      const entry = entries.get(key);
      if (entry && entry.windowMs !== windowMs) Object.assign(entry, { windowMs, fromUs: nowUs });
      const admittedAtUs = entry?.admittedAtUs ?? [];
      if (entry && isConnected) {
        const isOver = (atMs: number) => nowMs - Math.max(atMs, connectedAtMs) > windowMs + lateMs;
        entry.unanswered = entry.unanswered.filter(({ atMs }) => !isOver(atMs));
      }
      const until = countUntil(admittedAtUs, untilUs);
      return {
        // This process began at 0 of this clock: what came before, another process admitted.
        fromUs: Math.max(
          Math.floor(nowUs - nowMs * 1_000),
          forgottenUs,
          entry?.fromUs ?? 0,
          nowUs - Math.max(windowMs, keptMs) * 1_000,
        ),
        admitted: asked.sinceUs.map((since) => Math.max(0, until - countUntil(admittedAtUs, since))),
        unanswered: (entry?.unanswered ?? []).reduce((sum, { cost }) => sum + cost, 0),
      };
    },
  };
}

/** How many of these ascending times are at most so late. */
function countUntil(times: readonly number[], untilUs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) <= untilUs) low = middle + 1;
    else high = middle;
  }
  return low;
}

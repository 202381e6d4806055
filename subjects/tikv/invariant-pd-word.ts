import type { Departure, IsFresh, Need } from "@operator/subject/invariant";
import type { State, StoreReading } from "./state.ts";
import { cluster, storeList } from "./targets.ts";

/** Stores report to PD every 10 s; a leader that is new knows of each only what etcd kept, which is up to 5 min old. */
const settleMs = 20_000;

/**
 * A disk is slow from this score on, of 1 to 100. It doubles in each round of 10 s in which writes to the disk took over
 * 500 ms: three to four bad rounds.
 */
export const diskScoreMax = 10;

/** What a rule needs that takes PD's word. */
export const pdWord: Need = { source: "members", target: cluster };

/**
 * Why PD's word about stores, leaders and counts doesn't count now; undefined when it does. A new leader says of every
 * store that it's disconnected, and has no leaders of idle regions; without one, old answers and followers' zeros are left.
 */
export function doubtOfPd({ members }: State, atMs: number): string | undefined {
  const reading = members?.[cluster];
  if (!reading) return "who leads PD was never read";
  if (reading.leader === undefined) return "PD has no leader, so what it said last is old";
  const ledMs = atMs - (reading.leaderSinceMs ?? atMs);
  if (ledMs >= settleMs) return undefined;
  return `${reading.leader} has been seen to lead PD for ${Math.floor(ledMs / 1_000)} s: its word about stores counts after ${settleMs / 1_000} s`;
}

/** Stores that PD lists and that haven't left, by target. */
export function storesOf({ stores = {} }: State): [string, StoreReading][] {
  return Object.entries(stores).filter(([, reading]) => !isGone(reading));
}

/** PD moves everything off it, as it was told to. */
export function isLeaving({ state, nodeState }: StoreReading): boolean {
  return state === "Offline" || nodeState === "Removing";
}

/** Somebody had its leaders moved off it, and they are gone: no client asks it for anything. */
export function isDrained(state: State, store: string, atMs: number, isFresh: IsFresh): boolean {
  const isKnown = isFresh("stores", store) && isFresh("schedule", cluster) && isFresh(pdWord.source, pdWord.target);
  if (!isKnown) return false;
  const isEvicted = state.schedule?.[cluster]?.evictLeader.includes(store) === true;
  return isEvicted && state.stores?.[store]?.leaderCount === 0 && doubtOfPd(state, atMs) === undefined;
}

function isGone({ state, nodeState }: StoreReading): boolean {
  return state === "Tombstone" || nodeState === "Removed";
}

/**
 * PD lists the store as a tombstone: it was decommissioned, and all that it had is elsewhere. What stands for PD's list
 * until that was read has left once stores are known, or an observer's slow start would be told as a blind source for ever.
 */
export const storeLeft: Departure<State> = {
  needs: (store) => [store === storeList ? pdWord : { source: "stores", target: store }],
  says: ({ stores }, store) => {
    if (store === storeList) return Object.keys(stores ?? {}).length > 0;
    const reading = stores?.[store];
    return reading !== undefined && isGone(reading);
  },
};

import type { Invariant } from "@operator/subject/invariant";
import { slowP99Of } from "./invariant-high-latency.ts";
import { diskScoreMax, doubtOfPd, isDrained, pdWord, storeLeft, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

/** A network score of 1 is what a quick peer has. */
const blameMin = 2;
/** From here on a score has no room left to be seen rising. */
const topScoreMin = 90;
const accusersShownMax = 3;
/** What the others say of a store that is back was measured while it was away: heartbeats take 10 s, a rise is shown for 10 s. */
const backMs = 30_000;

/** A store whose disk, or whose network to its peers, is slow, though all else says that it's well. */
export const storeSlow: Invariant<State> = {
  name: "store_slow",
  title: "No store that serves is slow",
  severity: "warning",
  graceMs: 3_000,
  worstDetectionMs: 55_000,
  limit: diskScoreMax,
  why: "A store that hangs by half stays Up in PD with every field green. Two signs: TiKV's own score of its disk from 10 on (PD calls it slow from 80, the official PD_cluster_slow_tikv_nums a minute later, and it's evicted at 100), and the score that the others give the network to it. The latter falls only over ten minutes, so its level is history: a store is blamed when a score has just risen, and two others, or all there are, agree. One blamer alone may itself be the slow one. A store that was cut off blames everybody, and is blamed by everybody. Scores come with heartbeats, every 10 s, so 3 s is one of them; it's more than store_down takes to be found, which would explain it. A store that was drained harms nobody by being slow; forgotten_evict_leader tells of it once it's quick. It isn't well again before its requests of the last minute were quick, so that their latency is never told once more of its own. While a store is down, and for 30 s after, the others' word is about that. No official rule looks at the network's score.",
  targets: (state) => storesOf(state).map(([store]) => store),
  needs: (store) => [
    { source: "stores", target: store },
    { source: "probe", target: store },
    { source: "schedule", target: cluster },
    pdWord,
  ],
  judge: (state, store, atMs, isFresh) => {
    const reading = state.stores?.[store];
    const probe = state.probe?.[store];
    if (!reading || !probe) return { verdict: "unknown", reason: `${store} was never read` };
    if (probe.state !== "up")
      return { verdict: "unknown", reason: `${store} doesn't answer: store_down tells of that` };
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const { slowScore = 1, blamedBy = {} } = reading;
    const always = [
      ...pointersTo("stores", store, "slowScore", "lastHeartbeatMs", "leaderCount", "state", "isBusy"),
      ...pointersTo("prometheus", store, "appendLogP99Ms", "p99Ms"),
      ...pointersTo("schedule", cluster, "evictLeader", "leaderScheduleLimit", "haltScheduling"),
      ...pointersTo("probe", store, "state"),
    ];
    // What Prometheus said last holds for as long as it's heard: without it the store's own scores decide.
    const p99Ms = isFresh("prometheus", store) ? slowP99Of(state, store) : undefined;
    if (isDrained(state, store, atMs, isFresh)) {
      if (p99Ms !== undefined) {
        const reason = `${store} leads nothing any more, but its requests of the last minute took up to ${Math.round(p99Ms)} ms`;
        return { verdict: "unknown", reason };
      }
      const reason = `${store} is kept from leading and leads nothing: nobody waits for it, slow or not`;
      return { verdict: "ok", reason, value: "drained", pointers: always };
    }
    if (reading.slowScore !== undefined && slowScore >= diskScoreMax) {
      return {
        verdict: "violated",
        reason: `${store}'s disk is slow: its score is ${slowScore} of 100`,
        value: slowScore,
        detail: { kind: "threshold", value: slowScore, limit: diskScoreMax, unit: "score" },
        pointers: always,
      };
    }
    const blamers = Object.entries(blamedBy).filter(([, { score }]) => score >= blameMin);
    const accusers = blamers.filter(([, { score, rose }]) => rose > 0 || score >= topScoreMin);
    if (accusers.length > 0 && accusers.length >= Math.min(2, othersUp(state, store))) {
      const names = accusers.map(([other]) => other).join(", ");
      const upMs = atMs - probe.sinceMs;
      if (upMs < backMs) {
        const reason = `${names} found the network to ${store} slow, which has answered for ${Math.floor(upMs / 1_000)} s: they may speak of before`;
        return { verdict: "unknown", reason };
      }
      if (accusers.every(([, { rose }]) => rose <= 0)) {
        const reason = `${names} gave the network to ${store} the worst score: whether it's slow still doesn't show until that falls below ${topScoreMin}`;
        return { verdict: "unknown", reason };
      }
      const value = Math.max(...accusers.map(([, { score }]) => score));
      return {
        verdict: "violated",
        reason: `${names} find the network to ${store} slow: up to ${value} of 100, and rising`,
        value,
        detail: { kind: "threshold", value, limit: blameMin, unit: "score" },
        pointers: [
          ...accusers.slice(0, accusersShownMax).flatMap(([other]) => [
            ...pointersTo("stores", store, `blamedBy/${other}/score`, `blamedBy/${other}/rose`),
            // Does it find the network to them slow as well?
            ...pointersTo("stores", other, `blamedBy/${store}/score`),
          ]),
          ...always,
        ],
      };
    }
    if (reading.lastHeartbeatMs === undefined)
      return { verdict: "unknown", reason: `${store} is new: it hasn't reported yet` };
    if (p99Ms !== undefined) {
      const reason = `${store}'s scores are well, but its requests of the last minute took up to ${Math.round(p99Ms)} ms`;
      return { verdict: "unknown", reason };
    }
    return {
      verdict: "ok",
      reason: `${store}'s disk has the score ${slowScore}, and at most one other finds the network to it slow`,
      value: slowScore,
      pointers: always,
    };
  },
  left: storeLeft,
};

function othersUp(state: State, store: string): number {
  return storesOf(state).filter(([other, { state }]) => other !== store && state === "Up").length;
}

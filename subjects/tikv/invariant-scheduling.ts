import type { Invariant } from "@operator/subject/invariant";
import { diskScoreMax, doubtOfPd, isLeaving, pdWord, storeLeft, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

const scheduleOfCluster = { source: "schedule", target: cluster };
/** Merging is left out: it's switched off while data is restored, and nothing is unbalanced by it. */
const limits = [
  "leaderScheduleLimit",
  "regionScheduleLimit",
  "replicaScheduleLimit",
  "hotRegionScheduleLimit",
] as const;

/** PD may move leaders and replicas. */
export const schedulingDisabled: Invariant<State> = {
  name: "scheduling_disabled",
  title: "PD may schedule",
  severity: "warning",
  graceMs: 10_000,
  worstDetectionMs: 22_000,
  limit: "scheduling",
  why: "With a limit at 0, a paused scheduler or all of it halted PD says 200 to everything and does nothing: no drain, no balance, no new replica for a dead one (measured: 0 leaders moved in 28 s, no error anywhere). Set for a maintenance it's meant, and under a silence; left behind it's found when it's needed. Read every 5 s: 10 s are two readings. A new PD leader knows no schedulers until it has heard of most regions, and forgets that they were paused, so an empty list proves nothing. No official rule tells of it.",
  targets: ({ schedule }) => (schedule ? [cluster] : []),
  needs: () => [scheduleOfCluster, pdWord],
  judge: (state, _, atMs) => {
    const reading = state.schedule?.[cluster];
    if (!reading) return { verdict: "unknown", reason: "what PD may schedule was never read" };
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const pointers = pointersTo("schedule", cluster, "haltScheduling", "paused", "schedulers", ...limits);
    const zero = limits.filter((limit) => reading[limit] === 0);
    const disabled = [
      ...(reading.haltScheduling === true ? ["halt-scheduling is set"] : []),
      ...zero.map((limit) => `${nameOf(limit)} is 0`),
      ...reading.paused.map((scheduler) => `${scheduler} is paused`),
    ];
    if (disabled.length > 0) {
      const value = disabled.join(", ").slice(0, 200);
      return {
        verdict: "violated",
        reason: `PD can't schedule as it should: ${value}`,
        value,
        detail: { kind: "state", value, expected: "scheduling" },
        pointers,
      };
    }
    const untold = limits.find((limit) => reading[limit] === undefined);
    if (untold !== undefined) return { verdict: "unknown", reason: `PD doesn't tell its ${nameOf(untold)}` };
    if (reading.schedulers.length === 0) return { verdict: "unknown", reason: "PD has no schedulers yet" };
    const reason = `no limit is 0, ${reading.schedulers.length} schedulers run`;
    return { verdict: "ok", reason, value: "scheduling", pointers };
  },
};

/** Nobody forgot to let a store lead again. */
export const forgottenEvictLeader: Invariant<State> = {
  name: "forgotten_evict_leader",
  title: "No store is kept from leading for long",
  severity: "warning",
  graceMs: 300_000,
  worstDetectionMs: 315_000,
  limit: "may lead",
  why: "An evict-leader scheduler is kept in etcd: it outlives PD's leader, the store's restart and whoever set it, and until somebody removes it the store serves nothing and the others carry its share. v8.5.5 doesn't show it in /stores, and no official rule tells of it. Five minutes are longer than a drain and a restart of a store take; it doesn't count while the store is down, catching up, slow or being decommissioned, as it's meant then. The grace goes on meanwhile. So what drained a slow store is reminded once its disk is quick, when it can be undone.",
  targets: (state) => storesOf(state).map(([store]) => store),
  needs: (store) => [scheduleOfCluster, pdWord, { source: "probe", target: store }],
  judge: (state, store, atMs) => {
    const reading = state.schedule?.[cluster];
    const pd = state.stores?.[store];
    const probe = state.probe?.[store];
    if (!reading || !pd || !probe) return { verdict: "unknown", reason: `who may lead, or ${store}, was never read` };
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const pointers = [
      ...pointersTo("schedule", cluster, "evictLeader", "leaderScheduleLimit"),
      ...pointersTo("stores", store, "leaderCount", "regionCount", "slowScore"),
      ...pointersTo("probe", store, "state", "sinceMs"),
    ];
    if (!reading.evictLeader.includes(store)) {
      if (reading.schedulers.length === 0) return { verdict: "unknown", reason: "PD has no schedulers yet" };
      return { verdict: "ok", reason: `${store} may lead`, value: "may lead", pointers };
    }
    if (isLeaving(pd)) {
      return {
        verdict: "ok",
        reason: `${store} is being decommissioned, so it isn't to lead`,
        value: pd.state,
        pointers,
      };
    }
    if (probe.state !== "up") {
      return { verdict: "unknown", reason: `${store} is kept from leading, and doesn't answer: it may be at work on` };
    }
    if (pd.state !== "Up" || pd.isBusy === true) {
      return { verdict: "unknown", reason: `${store} is kept from leading, and is catching up: it may be at work on` };
    }
    if ((pd.slowScore ?? 1) >= diskScoreMax) {
      const reason = `${store} is kept from leading, and its disk is slow (${pd.slowScore} of 100): nobody forgot that`;
      return { verdict: "unknown", reason };
    }
    return {
      verdict: "violated",
      reason: `an evict-leader scheduler keeps ${store} from leading; it leads ${pd.leaderCount} of its ${pd.regionCount} regions`,
      value: "evicted",
      detail: { kind: "state", value: "evicted", expected: "may lead" },
      pointers,
    };
  },
  left: storeLeft,
};

/** `leaderScheduleLimit` as PD calls it: `leader-schedule-limit`. */
function nameOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

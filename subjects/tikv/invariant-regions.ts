import type { Invariant } from "@operator/subject/invariant";
import { doubtOfPd, pdWord, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State } from "./state.ts";
import { cluster, storeIdOf } from "./targets.ts";

/** A rule points at 20 values at most. */
const storesShownMax = 8;
const prometheusOfCluster = { source: "prometheus", target: cluster };

/** Every region has all of its replicas. */
export const underReplicatedRegions: Invariant<State> = {
  name: "under_replicated_regions",
  title: "Every region has all of its replicas",
  severity: "warning",
  graceMs: 600_000,
  worstDetectionMs: 700_000,
  limit: 0,
  unit: "regions",
  why: "One more store that dies takes the quorum of a region that has already lost a replica. Ten minutes are what PD needs to move or make one; a peer counts as down only when its leader hasn't heard of it for ten minutes, so a dead store shows here after 20. Peers on a store that is being decommissioned aren't missing. The official PD_down_peer_region_nums asks for a minute of down peers; PD_miss_peer_region_count misspells its label and can't fire. Only PD's leader counts: without it the others' zeros are left, which say nothing.",
  targets: ({ prometheus }) => (prometheus ? [cluster] : []),
  needs: () => [prometheusOfCluster, pdWord],
  judge: (state, _, atMs) => {
    const { miss, down } = state.prometheus?.[cluster]?.regionHealth ?? {};
    const doubt = doubtOfCounts(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const value = (miss ?? 0) + (down ?? 0);
    const pointers = [
      ...pointersTo("prometheus", cluster, "regionHealth/miss", "regionHealth/down"),
      ...pointersTo("schedule", cluster, "maxReplicas", "replicaScheduleLimit", "haltScheduling"),
      ...pointersTo("operators", cluster, "count"),
      ...deadFirst(state).flatMap((store) => pointersTo("probe", store, "state")),
    ];
    const reason = `${miss ?? "an unknown number of"} regions miss a replica, of ${down ?? "an unknown number"} one is down`;
    if (value > 0) {
      const detail = { kind: "threshold" as const, value, limit: 0, unit: "regions" };
      return { verdict: "violated", reason, value, detail, pointers };
    }
    // Absent isn't 0.
    if (miss === undefined || down === undefined) return { verdict: "unknown", reason };
    return { verdict: "ok", reason, value, pointers };
  },
};

/** Every region is led by somebody. */
export const leaderlessRegions: Invariant<State> = {
  name: "leaderless_regions",
  title: "Every region has a leader",
  severity: "critical",
  graceMs: 30_000,
  worstDetectionMs: 45_000,
  limit: 0,
  unit: "regions",
  why: "A region without a leader serves nothing. PD doesn't show it: it goes on naming the old leader, and all of /regions/check says 0. So the leaders that the stores themselves count are held against the regions that PD counts. An election takes 10 to 20 s, 30 s is none. It's unknown while a store that answers isn't scraped, as its leaders would seem to be missing; what a store that is down says doesn't count. No official rule sees it: TiKV_leader_drops reads a metric that TiKV doesn't have any more.",
  targets: ({ prometheus }) => (prometheus ? [cluster] : []),
  needs: () => [prometheusOfCluster, pdWord],
  judge: (state, _, atMs) => {
    const doubt = doubtOfCounts(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const leaderless = leaderlessOf(state);
    if (typeof leaderless === "string") return { verdict: "unknown", reason: leaderless };
    const { value, regions, stores } = leaderless;
    const reason = `PD counts ${regions} regions, the stores that answer lead ${regions - value}`;
    const pointers = [
      ...pointersTo("prometheus", cluster, "regionCount"),
      ...stores.slice(0, storesShownMax).flatMap((store) => pointersTo("prometheus", store, "leaders")),
      ...deadFirst(state).flatMap((store) => pointersTo("probe", store, "state")),
    ];
    // For a few seconds after it was cut off a store counts leaders that others are by now.
    if (value <= 0) return { verdict: "ok", reason, value: 0, pointers };
    const detail = { kind: "threshold" as const, value, limit: 0, unit: "regions" };
    return { verdict: "violated", reason, value, detail, pointers };
  },
};

/** Regions that no store counts as its leader, or why that isn't known. `stores`: those whose leaders were counted. */
export function leaderlessOf(state: State): { value: number; regions: number; stores: string[] } | string {
  const regions = state.prometheus?.[cluster]?.regionCount;
  if (regions === undefined) return "Prometheus has no count of regions";
  const known = new Set([
    ...storesOf(state).map(([store]) => store),
    ...Object.keys(state.prometheus ?? {}).filter((target) => storeIdOf(target) !== undefined),
  ]);
  const stores: string[] = [];
  let led = 0;
  for (const store of known) {
    const { isScraped, leaders } = state.prometheus?.[store] ?? {};
    const probe = state.probe?.[store]?.state;
    if (probe === "refused" || probe === "silent") continue;
    if (isScraped !== true || leaders === undefined) return `Prometheus doesn't know how many regions ${store} leads`;
    stores.push(store);
    led += leaders;
  }
  return stores.length === 0 && known.size === 0 ? "no store is known" : { value: regions - led, regions, stores };
}

/** PD's counts come from the metrics of its leader. */
function doubtOfCounts(state: State, atMs: number): string | undefined {
  const doubt = doubtOfPd(state, atMs);
  if (doubt !== undefined) return doubt;
  const leader = state.members?.[cluster]?.leader ?? "";
  return state.prometheus?.[leader]?.isScraped !== true
    ? `Prometheus doesn't scrape ${leader}, which leads PD`
    : undefined;
}

/** Some of the stores, those that don't answer before all others. */
function deadFirst(state: State): string[] {
  const isUp = (store: string) => (state.probe?.[store]?.state === "up" ? 1 : 0);
  const stores = storesOf(state).map(([store]) => store);
  return stores.sort((a, b) => isUp(a) - isUp(b)).slice(0, storesShownMax);
}

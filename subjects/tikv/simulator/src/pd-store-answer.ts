import { uint64 } from "./exact-json.ts";
import { goDuration, goSize } from "./go-text.ts";
import type { Cluster, Store } from "./pd-cluster.ts";

/** Of each store: what PD counts from the regions it knows. Sizes in MiB. */
export interface Counts {
  leaders: number;
  regions: number;
  learners: number;
  pending: number;
  leaderSize: number;
  regionSize: number;
  leaderKeys: number;
  regionKeys: number;
}

/** By store id, for every store, in one pass over the regions. */
export function countsOf(cluster: Cluster): Map<number, Counts> {
  const counts = new Map<number, Counts>();
  for (const id of cluster.stores.keys()) counts.set(id, noCounts());
  for (const { meta, report } of cluster.regions.values()) {
    const size = sizeMiB(report?.claim.sizeBytes);
    const keys = report?.claim.keys ?? 0;
    for (const peer of meta.peers) {
      const count = counts.get(peer.store);
      if (count === undefined) continue;
      count.regions += 1;
      count.regionSize += size;
      count.regionKeys += keys;
      if (peer.role === "Learner") count.learners += 1;
      if (report?.pending.includes(peer.store)) count.pending += 1;
      if (report?.claim.leader !== peer.store) continue;
      count.leaders += 1;
      count.leaderSize += size;
      count.leaderKeys += keys;
    }
  }
  return counts;
}

export function noCounts(): Counts {
  return {
    leaders: 0,
    regions: 0,
    learners: 0,
    pending: 0,
    leaderSize: 0,
    regionSize: 0,
    leaderKeys: 0,
    regionKeys: 0,
  };
}

/** PD rounds a region's size up to a whole MiB, at least 1. */
export function sizeMiB(bytes: number | undefined): number {
  return bytes === undefined ? 0 : Math.max(1, Math.round(bytes / 1_048_576));
}

/** A store as `/store/{id}` and `/stores` show it; what is zero, false or empty is left out where PD leaves it out. */
export function storeAnswer(cluster: Cluster, store: Store, count: Counts) {
  const { meta, stats } = store;
  const startMs = meta.startTimestamp * 1_000;
  const state = { Up: 0, Offline: 1, Tombstone: 2 }[meta.state];
  return {
    store: {
      id: meta.id,
      address: meta.address,
      ...unlessZero("state", state),
      version: meta.version,
      peer_address: meta.address,
      status_address: meta.statusAddress,
      git_hash: meta.gitHash,
      start_timestamp: meta.startTimestamp,
      deploy_path: meta.deployPath,
      ...(store.lastHeartbeatMs === 0
        ? {}
        : { last_heartbeat: uint64(BigInt(Math.round(store.lastHeartbeatMs)) * 1_000_000n) }),
      ...(meta.isDestroyed ? { physically_destroyed: true } : {}),
      node_state: meta.nodeState,
      state_name: cluster.stateName(store),
    },
    status: {
      capacity: goSize(stats?.capacity ?? 0),
      available: goSize(stats?.available ?? 0),
      used_size: goSize(stats?.used ?? 0),
      leader_count: count.leaders,
      leader_weight: meta.leaderWeight,
      leader_score: leaderScore(store, count),
      leader_size: count.leaderSize,
      region_count: count.regions,
      region_weight: meta.regionWeight,
      region_score: regionScore(store, count),
      region_size: count.regionSize,
      ...unlessZero("learner_count", count.learners),
      ...unlessZero("pending_peer_count", count.pending),
      ...unlessZero("slow_score", stats?.slowScore ?? 0),
      ...(Object.keys(stats?.networkSlowScores ?? {}).length === 0
        ? {}
        : { network_slow_score: stats?.networkSlowScores }),
      ...(stats === undefined
        ? {}
        : { slow_trend: { cause_value: 250_000, cause_rate: 0, result_value: 0, result_rate: 0 } }),
      ...(stats?.isBusy === true ? { is_busy: true } : {}),
      start_ts: new Date(startMs).toISOString().replace(".000Z", "Z"),
      ...(store.lastHeartbeatMs === 0
        ? {}
        : {
            last_heartbeat_ts: new Date(store.lastHeartbeatMs).toISOString(),
            uptime: goDuration(Math.max(store.lastHeartbeatMs - startMs, 0)),
          }),
    },
  };
}

export function leaderScore({ meta }: Store, count: Counts): number {
  return meta.leaderWeight === 0 ? count.leaders * 1e9 : count.leaders / meta.leaderWeight;
}

/** Grows with what the store keeps, steeply once its disk fills; PD's own formula isn't imitated. */
export function regionScore({ meta, stats }: Store, count: Counts): number {
  const fullness = stats === undefined || stats.capacity === 0 ? 0 : 1 - stats.available / stats.capacity;
  const score = count.regionSize * (1 + fullness ** 4);
  return meta.regionWeight === 0 ? score * 1e9 : score / meta.regionWeight;
}

/** PD takes a store for full by `low-space-ratio`, but not one with few regions and more than 8 GiB left. */
export function isLowSpace(cluster: Cluster, { stats }: Store, count: Counts): boolean {
  if (stats === undefined || stats.capacity === 0) return false;
  if (count.regions < 100 && stats.available > 8 * 1_024 ** 3) return false;
  return stats.available / stats.capacity < 1 - cluster.limit("low-space-ratio");
}

function unlessZero<Key extends string>(key: Key, value: number): Partial<Record<Key, number>> {
  const shown: Partial<Record<Key, number>> = {};
  if (value !== 0) shown[key] = value;
  return shown;
}

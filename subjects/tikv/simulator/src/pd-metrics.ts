import { MetricsText, processMetrics } from "./metrics-text.ts";
import { disconnectedAfterMs, unhealthyAfterMs } from "./pd-cluster.ts";
import type { Cluster, Store } from "./pd-cluster.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import type { Leadership } from "./pd-leadership.ts";
import { pdVersion } from "./pd-member.ts";
import { regionChecks } from "./pd-region-answer.ts";
import { type Counts, countsOf, isLowSpace, leaderScore, noCounts, regionScore } from "./pd-store-answer.ts";

const collectMs = 10_000;
const slowScore = 80;

const regionTypes: Record<string, string> = {
  "miss-peer": "miss-peer-region-count",
  "extra-peer": "extra-peer-region-count",
  "down-peer": "down-peer-region-count",
  "pending-peer": "pending-peer-region-count",
  "offline-peer": "offline-peer-region-count",
  "learner-peer": "learner-peer-region-count",
  "empty-region": "empty-region-count",
  "oversized-region": "oversized-region-count",
  "undersized-region": "undersized-region-count",
};

/** A member's `/metrics`. What describes the cluster is collected by the leader alone, every ten seconds. */
export class PdMetrics {
  readonly #leadership: Leadership;
  readonly #startedAtMs: number;
  readonly #health: () => Map<string, boolean>;
  #collected: { of: Coordinator; atMs: number; text: string } | undefined;
  #leaderChanges = 0;
  #leader: string | undefined;

  constructor(leadership: Leadership, startedAtMs: number, health: () => Map<string, boolean>) {
    this.#leadership = leadership;
    this.#startedAtMs = startedAtMs;
    this.#health = health;
  }

  text(coordinator: Coordinator | undefined): string {
    const { quorum, isServing } = this.#leadership;
    if (quorum.leader !== this.#leader && quorum.leader !== undefined) this.#leaderChanges += 1;
    this.#leader = quorum.leader;
    const text = new MetricsText();
    processMetrics(text, this.#startedAtMs);
    text.gauge("etcd_server_has_leader", quorum.hasLeader ? 1 : 0);
    text.gauge("etcd_server_is_leader", quorum.isLeader ? 1 : 0);
    text.counter("etcd_server_leader_changes_seen_total", this.#leaderChanges);
    text.gauge("service_member_role", isServing ? 1 : 0, { service: "PD" });
    text.gauge("pd_server_info", this.#startedAtMs / 1_000, { version: pdVersion, hash: "simulator" });
    text.gauge("pd_service_maxprocs", 2);
    if (!isServing || coordinator === undefined) {
      // Followers export zeros here, and nothing of the cluster.
      regionsStatus(text, () => 0);
      return text.toString();
    }
    for (const [name, isHealthy] of this.#health()) text.gauge("pd_cluster_health_status", isHealthy ? 1 : 0, { name });
    for (const [key, count] of coordinator.operators.counts) {
      const [type = "", event = ""] = key.split(" ");
      text.counter("pd_schedule_operators_count", count, { event, type });
    }
    return text.toString() + this.#cluster(coordinator);
  }

  /** A new leader collects first after ten seconds, so until then these series are missing. */
  #cluster(coordinator: Coordinator): string {
    const now = Date.now();
    const { cluster } = coordinator;
    if (this.#collected?.of !== coordinator)
      this.#collected = { of: coordinator, atMs: cluster.isInherited ? now : 0, text: "" };
    if (now - this.#collected.atMs > cluster.scale.wait(collectMs, 100))
      this.#collected = { of: coordinator, atMs: now, text: collect(coordinator) };
    return this.#collected.text;
  }
}

function collect(coordinator: Coordinator): string {
  const { cluster, schedulers } = coordinator;
  const text = new MetricsText();
  const counts = countsOf(cluster);
  const stores = [...cluster.stores.values()];
  for (const store of stores)
    for (const [type, value] of storeStatus(cluster, store, counts.get(store.meta.id) ?? noCounts()))
      text.gauge("pd_cluster_status", value, { engine: "tikv", store: store.meta.id, type });
  const regions = [...cluster.regions.values()];
  regionsStatus(text, (check) => regions.filter((region) => regionChecks[check]?.(region, cluster)).length);
  text.gauge("pd_regions_label_level", regions.length, { type: "none" });
  for (const store of stores.filter(({ meta }) => meta.state !== "Tombstone"))
    for (const [type, value] of schedulerStatus(store, counts.get(store.meta.id) ?? noCounts()))
      text.gauge("pd_scheduler_store_status", value, { address: store.meta.address, store: store.meta.id, type });
  for (const [type, value] of Object.entries({ ...cluster.schedule, ...cluster.replication }))
    if (typeof value === "number") text.gauge("pd_config_status", value, { type });
  for (const kind of schedulers.names)
    text.gauge("pd_scheduler_status", schedulers.runs(kind) ? 1 : 0, { kind, type: "allow" });
  const evicted = coordinator.balance.evicted;
  for (const { meta } of stores) {
    const by = evicted.get(meta.id);
    if (by === "evict-slow-store-scheduler")
      text.gauge("pd_scheduler_evicted_slow_store_status", 1, { address: meta.address, store: meta.id });
    if (by === "evict-stopping-store-scheduler")
      text.gauge("pd_scheduler_evicted_stopping_store_status", 1, { address: meta.address, store: meta.id });
  }
  return text.toString();
}

function regionsStatus(text: MetricsText, count: (check: string) => number): void {
  for (const [check, type] of Object.entries(regionTypes)) text.gauge("pd_regions_status", count(check), { type });
  text.gauge("pd_regions_status", 0, { type: "witness-leader-region-count" });
}

/** A store counts in exactly one of up, slow, disconnected, unhealth and down. */
function storeStatus(cluster: Cluster, store: Store, count: Counts): [type: string, value: number][] {
  const { meta, stats } = store;
  const one = (is: boolean) => (is ? 1 : 0);
  const isUp = meta.state === "Up";
  const silentMs = cluster.silentMs(store);
  const isDown = cluster.stateName(store) === "Down";
  const isUnhealthy = isUp && !isDown && silentMs > unhealthyAfterMs;
  const isDisconnected = isUp && !isDown && !isUnhealthy && silentMs > disconnectedAfterMs;
  const isSlow = isUp && !isDown && !isUnhealthy && !isDisconnected && (stats?.slowScore ?? 0) >= slowScore;
  return [
    ["leader_count", count.leaders],
    ["learner_count", count.learners],
    ["region_count", count.regions],
    ["storage_capacity", stats?.capacity ?? 0],
    ["storage_size", stats?.used ?? 0],
    ["store_disconnected_count", one(isDisconnected)],
    ["store_down_count", one(isDown)],
    ["store_low_space_count", one(isLowSpace(cluster, store, count))],
    ["store_offline_count", one(meta.state === "Offline")],
    ["store_preparing_count", one(meta.nodeState === 0)],
    ["store_removed_count", one(meta.nodeState === 3)],
    ["store_removing_count", one(meta.nodeState === 2)],
    ["store_serving_count", one(meta.nodeState === 1)],
    ["store_slow_count", one(isSlow)],
    ["store_tombstone_count", one(meta.state === "Tombstone")],
    ["store_unhealth_count", one(isUnhealthy)],
    ["store_up_count", one(isUp && !isDown && !isUnhealthy && !isDisconnected && !isSlow)],
    ["witness_count", 0],
  ];
}

function schedulerStatus(store: Store, count: Counts): [type: string, value: number][] {
  const { stats } = store;
  return [
    ["leader_count", count.leaders],
    ["leader_score", leaderScore(store, count)],
    ["leader_size", count.leaderSize],
    ["learner_count", count.learners],
    ["region_count", count.regions],
    ["region_score", regionScore(store, count)],
    ["region_size", count.regionSize],
    ["store_available", stats?.available ?? 0],
    ["store_capacity", stats?.capacity ?? 0],
    ["store_used", stats?.used ?? 0],
    ["store_read_rate_bytes", stats?.rates.readBytes ?? 0],
    ["store_read_rate_keys", stats?.rates.readKeys ?? 0],
    ["store_write_rate_bytes", stats?.rates.writtenBytes ?? 0],
    ["store_write_rate_keys", stats?.rates.writtenKeys ?? 0],
    ["store_read_query_rate", 0],
    ["store_write_query_rate", 0],
  ];
}

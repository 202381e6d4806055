import { MetricsText } from "./metrics-text.ts";
import type { Store } from "./tikv-store.ts";

const version = "v8.5.5-simulator";

/** A store's `/metrics`: the names of a real TiKV that a reader of its health needs. A series that counts events is absent before the first. */
export function tikvMetrics(store: Store): string {
  const text = new MetricsText();
  const { traffic, options, raft } = store;
  const peers = [...(raft?.peers.values() ?? [])];
  text.counter("process_cpu_seconds_total", traffic.cpuSeconds);
  text.gauge("process_resident_memory_bytes", 384_000_000 + peers.length * 65_536);
  text.gauge("process_start_time_seconds", Math.floor(store.startedAtMs / 1_000));
  text.gauge("tikv_server_info", Math.floor(store.startedAtMs / 1_000), { hash: "simulator", version });
  text.gauge("tikv_server_cpu_cores_quota", 2);
  text.gauge("tikv_server_memory_quota_bytes", 8 * 1_024 ** 3);
  text.counter("tikv_thread_cpu_seconds_total", traffic.cpuSeconds * 0.4, { name: "raftstore_1_0", tid: 1 });
  text.counter("tikv_thread_cpu_seconds_total", traffic.cpuSeconds * 0.3, { name: "apply_0", tid: 2 });
  text.counter("tikv_thread_cpu_seconds_total", traffic.cpuSeconds * 0.3, { name: "grpc_server_0", tid: 3 });

  text.gauge("tikv_raftstore_region_count", peers.length, { type: "buckets" });
  text.gauge("tikv_raftstore_region_count", raft?.led.length ?? 0, { type: "leader" });
  text.gauge("tikv_raftstore_region_count", peers.length, { type: "region" });
  text.gauge("tikv_raftstore_leader_missing", peers.filter(({ leader }) => leader === undefined).length);
  const now = Date.now();
  const awake = peers.filter(({ load }) => load !== undefined && load.untilMs > now).length;
  text.gauge("tikv_raftstore_hibernated_peer_state", awake, { state: "awaken" });
  text.gauge("tikv_raftstore_hibernated_peer_state", peers.length - awake, { state: "hibernated" });

  const { used, available } = store.disk;
  const data = peers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const sizes = { available, capacity: options.capacityBytes, import_size: 0, kv_size: data, raft_size: used - data };
  for (const [type, bytes] of Object.entries({ ...sizes, snap_size: 0, used }))
    text.gauge("tikv_store_size_bytes", Math.round(bytes), { type });
  text.gauge("tikv_engine_size_bytes", Math.round(data), { db: "kv", type: "default" });

  const network = Math.max(1, ...Object.values(options.links.scores));
  text.gauge("tikv_raftstore_slow_score", network, { type: "network" });
  text.gauge("tikv_raftstore_slow_score", store.slowScore, { type: "raft" });
  for (const [storeId, count] of options.links.failures)
    text.counter("tikv_server_report_failure_msg_total", count, { type: "unreachable", store_id: storeId });

  const { raw_get, raw_put, write, snapshot, append, commit, apply } = traffic.histograms;
  for (const [type, histogram] of Object.entries({ raw_get, raw_put }))
    text.histogram("tikv_grpc_msg_duration_seconds", histogram.bounds, histogram.counts, histogram.sumS, {
      priority: "medium",
      type,
    });
  for (const [type, histogram] of Object.entries({ snapshot, write })) {
    // Exists only once something was asked of it.
    if (histogram.sumS === 0) continue;
    const name = "tikv_storage_engine_async_request_duration_seconds";
    text.histogram(name, histogram.bounds, histogram.counts, histogram.sumS, { type });
  }
  for (const [name, histogram] of Object.entries({ append, commit, apply }))
    text.histogram(`tikv_raftstore_${name}_log_duration_seconds`, histogram.bounds, histogram.counts, histogram.sumS);
  return text.toString();
}

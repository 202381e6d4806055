import { afterAll, beforeAll, expect, test } from "vitest";
import { bucketsOf, serveMetrics } from "./metrics.fixture.ts";
import { prometheusDispatcher, PrometheusClient, type Sample } from "./prometheus-client.ts";
import { type PrometheusFixture, startPrometheus } from "./prometheus.fixture.ts";
import { isMetricName, type MetricName, metrics, promqlOf, promqlOfAll } from "./promql.ts";
import type { Serving } from "./recorded.fixture.ts";
import { until } from "./until.fixture.ts";

// Every query against a real Prometheus, which scrapes what a real PD and TiKV exported; expected values by hand.

const grpc = "tikv_grpc_msg_duration_seconds";
const raft = (kind: string) => `tikv_raftstore_${kind}_log_duration_seconds`;

let servings: Record<"busy" | "idle" | "leader" | "follower" | "foreign", Serving>;
let prometheus: PrometheusFixture;
const dispatcher = prometheusDispatcher();
const hostOf = ({ url }: Serving) => new URL(url).host;
const instances = () => ({
  stores: [hostOf(servings.busy), hostOf(servings.idle)],
  members: [hostOf(servings.leader), hostOf(servings.follower)],
});

beforeAll(async () => {
  const [busy, idle, leader, follower, foreign] = await Promise.all([
    serveMetrics({
      recording: "02-metrics/tikv1.metrics",
      changes: { 'tikv_raftstore_region_count{type="leader"}': 7, 'tikv_raftstore_slow_score{type="network"}': 32 },
      counters: [
        // The 99th of 100 is within a bucket, not at the edge of two, where a rounding would decide: the last but half a one of
        // the 9.5 up to 12.8 ms. Under two priorities.
        ...bucketsOf(grpc, 'priority="unknown",type="raw_put"', { 0.0064: 60, 0.0128: 9.5 }),
        ...bucketsOf(grpc, 'priority="high",type="raw_put"', { 0.0064: 30, 0.0256: 0.5 }),
        // Nobody waits for these.
        ...bucketsOf(grpc, 'priority="unknown",type="check_leader"', { 1.6384: 500 }),
        ...bucketsOf(grpc, 'priority="unknown",type="kv_scan_lock"', { 1.6384: 500 }),
        ...bucketsOf(raft("append"), "", { 0.0004: 99.5, 0.0016: 0.5 }),
        ...bucketsOf(raft("commit"), "", { 0.0032: 99.5, 0.0128: 0.5 }),
        ...bucketsOf(raft("apply"), "", { 0.0001: 99.5, 0.0128: 0.5 }),
        { series: "process_cpu_seconds_total", perS: 0.5 },
      ],
    }),
    serveMetrics({
      recording: "02-metrics/tikv1.metrics",
      changes: { 'tikv_raftstore_slow_score{type="raft"}': 0, 'tikv_store_size_bytes{type="available"}': 1_000 },
      counters: [
        ...bucketsOf(grpc, 'priority="unknown",type="raw_get"', {}),
        ...bucketsOf(raft("commit"), "", {}),
        { series: "process_cpu_seconds_total", perS: 0 },
      ],
    }),
    serveMetrics({
      recording: "02-metrics/pd-leader.metrics",
      changes: { 'pd_regions_status{type="down-peer-region-count"}': 3 },
    }),
    serveMetrics({ recording: "02-metrics/pd-follower.pd_only.metrics", changes: { etcd_server_has_leader: 0 } }),
    serveMetrics({
      recording: "02-metrics/tikv1.metrics",
      counters: bucketsOf(grpc, 'priority="unknown",type="raw_put"', { 0.8192: 100_000 }),
    }),
  ]);
  servings = { busy, idle, leader, follower, foreign };
  prometheus = await startPrometheus([busy, idle, leader, follower, foreign].map(hostOf));
  await until("all are scraped", async () => (await query("sum(up)"))[0]?.value === 5);
});

afterAll(async () => {
  await prometheus[Symbol.asyncDispose]();
  await dispatcher.destroy();
  for (const serving of Object.values(servings)) await serving[Symbol.asyncDispose]();
});

function query(promql: string): Promise<Sample[]> {
  return new PrometheusClient(prometheus.url, dispatcher).query(promql, AbortSignal.timeout(5_000));
}

/** By whose they are. */
function named(samples: Sample[]) {
  const whose = Object.fromEntries(Object.entries(servings).map(([name, serving]) => [hostOf(serving), name]));
  return Object.fromEntries(
    samples.map(({ labels, value }) => [whose[labels["instance"] ?? ""] ?? labels["type"] ?? "cluster", value]),
  );
}

const about = (value: number): number => expect.closeTo(value, -Math.floor(Math.log10(value / 50)));

const expected: Record<MetricName, Record<string, number>> = {
  isScraped: { busy: 1, idle: 1, leader: 1, follower: 1 },
  hasEtcdLeader: { leader: 1, follower: 0 },
  leaders: { busy: 7, idle: 5 },
  regions: { busy: 31, idle: 31 },
  capacityBytes: { busy: 10_737_418_240, idle: 10_737_418_240 },
  availableBytes: { busy: 10_330_221_305, idle: 1_000 },
  usedBytes: { busy: 407_196_935, idle: 407_196_935 },
  // 0 is no score yet.
  diskSlowScore: { busy: 1 },
  networkSlowScore: { busy: 32, idle: 1 },
  memoryBytes: { busy: 384_131_072, idle: 384_131_072 },
  // The follower's zeros aren't among them.
  regionHealth: {
    "down-peer-region-count": 3,
    "empty-region-count": 60,
    "extra-peer-region-count": 0,
    "learner-peer-region-count": 0,
    "miss-peer-region-count": 0,
    "offline-peer-region-count": 0,
    "oversized-region-count": 0,
    "pending-peer-region-count": 0,
    "undersized-region-count": 60,
    "witness-leader-region-count": 0,
  },
  regionCount: { cluster: 60 },
  cpuCores: { busy: about(0.5), idle: 0 },
  requestsPerS: { busy: about(100), idle: 0 },
  // Without requests there's no quantile.
  p99Ms: { busy: about(6.4 + (6.4 * 9) / 9.5) },
  appendLogP99Ms: { busy: about(0.2 + (0.2 * 99) / 99.5) },
  commitLogP99Ms: { busy: about(1.6 + (1.6 * 99) / 99.5) },
  applyLogP99Ms: { busy: about(0.05 + (0.05 * 99) / 99.5) },
  clusterRequestsPerS: { cluster: about(100) },
  clusterP99Ms: { cluster: about(6.4 + (6.4 * 9) / 9.5) },
};

test.each(Object.keys(expected).filter(isMetricName))("%s", async (name) => {
  expect(named(await query(promqlOf(name, instances())))).toEqual(expected[name]);
});

test.each(["now", "lastMinute"] as const)("one query has all metrics of %s", async (pace) => {
  const samples = await query(promqlOfAll(pace, instances()));
  const byName = Map.groupBy(samples, ({ labels }) => labels["reading"] ?? "");
  const ofPace = Object.entries(metrics).flatMap(([name, metric]) => (metric.pace === pace ? [name] : []));
  expect(new Set(byName.keys())).toEqual(new Set(ofPace));
  for (const [name, of] of byName) expect(named(of), name).toEqual(isMetricName(name) && expected[name]);
});

test("where PD has no leader, followers' zeros are no values", async () => {
  const { members, ...rest } = instances();
  const follower = { ...rest, members: members.slice(1) };
  expect(await query(promqlOf("regionHealth", follower))).toEqual([]);
  expect(await query(promqlOf("regionCount", follower))).toEqual([]);
});

test("without the levels of isolation nobody knows how many regions there are, however many leaders PD knows", async () => {
  await using selection = await serveMetrics({ recording: "50-pd-v8.5.5/pd-leader.metrics-selection" });
  await using own = await startPrometheus([hostOf(selection)]);
  const client = new PrometheusClient(own.url, dispatcher);
  const promql = promqlOf("regionCount", { stores: [], members: [hostOf(selection)] });
  await until("it's scraped", async () => (await client.query("up", AbortSignal.timeout(5_000)))[0]?.value === 1);
  expect(await client.query(promql, AbortSignal.timeout(5_000))).toEqual([]);
  const leaders = await client.query('sum(pd_cluster_status{type="leader_count"})', AbortSignal.timeout(5_000));
  expect(leaders).toEqual([{ labels: {}, value: 5 }]);
});

test("more instances than 200 aren't named", () => {
  const stores = Array.from({ length: 201 }, (_, at) => `h:${at}`);
  expect(promqlOf("leaders", { stores, members: [] })).toBe(
    'max by (instance) (tikv_raftstore_region_count{type="leader"})',
  );
  expect(promqlOf("isScraped", { stores, members: [] })).toBe("max by (instance) (up)");
  const two = promqlOf("leaders", { stores: ["h.a:1", "h.b:2"], members: [] });
  expect(two).toContain(String.raw`instance=~"h\\.a:1|h\\.b:2"`);
});

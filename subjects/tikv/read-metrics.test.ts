import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { bucketsOf, serveMetrics } from "./metrics.fixture.ts";
import { observations } from "./observations.ts";
import { prometheusDispatcher, PrometheusClient } from "./prometheus-client.ts";
import { type PrometheusFixture, startPrometheus } from "./prometheus.fixture.ts";
import { recorded, type Recorded, serveRecorded, type Serving } from "./recorded.fixture.ts";
import { askTool } from "./read-tool.fixture.ts";
import { until } from "./until.fixture.ts";

// What the tools say of metrics, from a real Prometheus that scrapes what a real PD and TiKV exported.

let busy: Serving;
let idle: Serving;
let leader: Serving;
let pd: Serving;
let prometheus: PrometheusFixture;
const dispatcher = prometheusDispatcher();
const hostOf = ({ url }: Serving) => new URL(url).host;

beforeAll(async () => {
  const grpc = "tikv_grpc_msg_duration_seconds";
  busy = await serveMetrics({
    recording: "02-metrics/tikv1.metrics",
    changes: { 'tikv_raftstore_region_count{type="leader"}': 7 },
    counters: bucketsOf(grpc, 'priority="unknown",type="raw_put"', { 0.0128: 100 }),
  });
  idle = await serveMetrics({ recording: "02-metrics/tikv1.metrics" });
  leader = await serveMetrics({
    recording: "02-metrics/pd-leader.metrics",
    changes: { 'pd_regions_status{type="down-peer-region-count"}': 3 },
  });
  pd = await serveRecorded([
    { ...recorded("50-pd-v8.5.5/members"), body: withUrl(recorded("50-pd-v8.5.5/members"), leader.url) },
    storesAt(hostOf(busy), hostOf(idle)),
    { ...recorded("50-pd-v8.5.5/leader"), path: "/pd/api/v1/regions/count", body: '{"count":60,"regions":null}' },
  ]);
  prometheus = await startPrometheus([busy, idle, leader].map(hostOf));
  const client = new PrometheusClient(prometheus.url, dispatcher);
  await until("all are scraped", async () => {
    const [sum] = await client.query("sum(up)", AbortSignal.timeout(5_000));
    return sum?.value === 3;
  });
});
afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await dispatcher.destroy();
  for (const serving of [busy, idle, leader, pd]) await serving?.[Symbol.asyncDispose]();
});

/** PD's list with pd1 at this address. */
function withUrl({ body }: Recorded, url: string): string {
  return body.replaceAll("http://127.0.0.1:12379", url);
}

/** Stores 1 and 2 with these status addresses, store 7 with one that nobody scrapes. */
function storesAt(one: string, two: string): Recorded {
  const stores = recorded("50-pd-v8.5.5/stores");
  const addresses = [one, two, "127.0.0.1:1"].values();
  const body = stores.body.replaceAll(
    /"status_address": "[^"]+"/g,
    () => `"status_address": "${addresses.next().value}"`,
  );
  return { ...stores, path: "/pd/api/v1/stores?state=0&state=1&state=2", body };
}

async function ask(name: string, parameters: unknown, environment: Record<string, string> = {}): Promise<unknown> {
  const settings = { TIKV_PD_ENDPOINTS: pd.url, TIKV_PROMETHEUS_URL: prometheus.url, ...environment };
  return await askTool(name, parameters, settings);
}

/** Which store is at an address, by what PD says. */
async function storeAt(serving: Serving): Promise<string> {
  const { stores } = z
    .object({ stores: z.record(z.string(), z.object({ statusAddress: z.string() })) })
    .parse(await ask("get_stores", {}));
  const found = Object.entries(stores).find(([, { statusAddress }]) => statusAddress === hostOf(serving));
  if (!found) throw new Error("PD lists no such store");
  return found[0];
}

test("get_store_metrics: of now and of the last minute, in one answer", async () => {
  const said = await ask("get_store_metrics", { store: await storeAt(busy) });
  expect(said).toMatchObject({ instance: hostOf(busy), leaders: 7, regions: 31, isScraped: true });
  const { requestsPerS, p99Ms } = z.object({ requestsPerS: z.number(), p99Ms: z.number() }).parse(said);
  expect(requestsPerS).toBeCloseTo(100, -1);
  expect(p99Ms).toBeCloseTo(12.8, 0);
  // What nobody asked for has no quantile, and it isn't 0 either.
  expect(await ask("get_store_metrics", { store: await storeAt(idle) })).not.toHaveProperty("p99Ms");
});

test("get_store_metrics of a store that PD doesn't list says which ones it does", async () => {
  await expect(ask("get_store_metrics", { store: "store-99" })).rejects.toThrow(/no store-99 .* store-1, store-2/);
});

test("get_cluster_metrics: all stores together, and who can't be scraped", async () => {
  const said = await ask("get_cluster_metrics", {});
  expect(said).toMatchObject({ regionHealth: { down: 3, miss: 0 }, regionCount: 60 });
  const { isScraped } = z.object({ isScraped: z.record(z.string(), z.unknown()) }).parse(said);
  expect(isScraped[await storeAt(busy)]).toBe(true);
  expect(Object.values(isScraped)).toContain("not known");
});

test("get_region_health has what only Prometheus knows beside PD's own numbers", async () => {
  expect(await ask("get_region_health", {})).toMatchObject({ regions: 60, leaders: 5, unwell: { down: 3, empty: 60 } });
});

test("get_metric_range: the course of one store's metric, or of all that have it", async () => {
  const store = await storeAt(busy);
  const one = z
    .object({
      unit: z.string(),
      series: z.record(
        z.string(),
        z.object({ highest: z.object({ value: z.number() }), values: z.record(z.string(), z.number()) }),
      ),
    })
    .parse(await ask("get_metric_range", { name: "leaders", target: store, minutes: 1 }));
  expect(one.unit).toBe("regions");
  expect(Object.keys(one.series)).toEqual([store]);
  expect(one.series[store]?.highest.value).toBe(7);
  const times = Object.keys(one.series[store]?.values ?? {});
  expect(times.length).toBeGreaterThan(0);
  expect(times.length).toBeLessThanOrEqual(30);
  expect(Date.now() - Date.parse(times.at(-1) ?? "")).toBeLessThan(10_000);

  const all = await ask("get_metric_range", { name: "leaders", target: "cluster", minutes: 1 });
  expect(all).toMatchObject({ series: { [store]: {}, [await storeAt(idle)]: {} } });
  const health = await ask("get_metric_range", { name: "regionHealth", target: "cluster", minutes: 1 });
  expect(health).toMatchObject({ series: { "down-peer-region-count": { last: { value: 3 } } } });
});

test("get_metric_range of a PD member that's reached by another address than Prometheus scrapes", async () => {
  const way = { TIKV_PD_ENDPOINTS: `pd1=${pd.url}` };
  const said = await ask("get_metric_range", { name: "hasEtcdLeader", target: "pd1", minutes: 1 }, way);
  expect(said).toMatchObject({ series: { pd1: { last: { value: 1 } } } });
});

test.for([
  [{ name: "leaders", target: "pd1", minutes: 5 }, /leaders is of a store, and pd1 is a member/],
  [{ name: "leaders", target: "store-99", minutes: 5 }, /"store-99" is no store or PD member: there are cluster, pd1/],
] as const)("get_metric_range of %j says what is wrong", async ([parameters, words]) => {
  await expect(ask("get_metric_range", parameters)).rejects.toThrow(words);
});

test("a metric that isn't in the list is refused, however it's written", () => {
  const parameters = observations.find(({ name }) => name === "get_metric_range")?.parameters;
  for (const name of ["up", "leaders or up", 'up{job="x"}', "__proto__"]) {
    expect(parameters?.safeParse({ name, target: "cluster", minutes: 5 }).success, name).toBe(false);
  }
  expect(parameters?.safeParse({ name: "leaders", target: "cluster", minutes: 10_000 }).success).toBe(false);
});

test("without PD nobody knows which address is whose, and that's said", async () => {
  const away = { TIKV_PD_ENDPOINTS: "http://127.0.0.1:1" };
  await expect(ask("get_cluster_metrics", {}, away)).rejects.toThrow(
    /which address is whose only PD knows.*127.0.0.1:1/,
  );
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readBounds } from "@operator/contracts/read-tool";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { observations } from "./observations.ts";
import { type PrometheusFixture, startPrometheus } from "./prometheus.fixture.ts";
import { ask as request, type ClusterFixture, startCluster } from "./simulator/src/cluster.fixture.ts";
import { askTool } from "./read-tool.fixture.ts";
import { until } from "./until.fixture.ts";

// Every read tool at a simulated cluster of real processes, which the tests break one after the other.

const patientMs = 30_000;
let cluster: ClusterFixture;
let prometheus: PrometheusFixture;
let environment: Record<string, string>;

beforeAll(async () => {
  cluster = await startCluster({ scale: 10, withWorkload: true });
  await cluster.startAll();
  const instances = [...cluster.pds.map(({ url }) => new URL(url).host), ...cluster.tikvs.map(({ status }) => status)];
  prometheus = await startPrometheus(instances);
  const log = join(cluster.folder, "tikv-1.log");
  environment = {
    TIKV_PD_ENDPOINTS: cluster.pds.map(({ url }) => url).join(","),
    TIKV_PROMETHEUS_URL: prometheus.url,
    TIKV_LOGS: `${cluster.tikvs[0]?.address}=${log}`,
  };
  writeFileSync(log, cluster.member("tikv-1").output);
  const Scraped = z.object({ isScraped: z.record(z.string(), z.unknown()), p99Ms: z.number() });
  await until(
    "all are scraped, and asked for something",
    async () => {
      const said = Scraped.safeParse(await ask("get_cluster_metrics"));
      return said.success && Object.values(said.data.isScraped).every((isScraped) => isScraped === true);
    },
    patientMs,
  );
});
afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

async function ask(name: string, parameters: unknown = {}): Promise<unknown> {
  return await askTool(name, parameters, environment);
}

const targetOf = async (tikv: string) => `store-${(await cluster.storeOf(tikv)).store.id}`;
const leaderOf = async () => z.object({ leader: z.string() }).parse(await ask("get_members")).leader;

test("of a well cluster each says something, with room for all of it", async () => {
  const store = await targetOf("tikv-1");
  const given: Record<string, unknown> = {
    get_store_metrics: { store },
    get_region: { id: "18" },
    get_log_tail: { target: store, lines: 50, filter: "" },
    get_metric_range: { name: "p99Ms", target: "cluster", minutes: 5 },
  };
  const regions = z.object({ regions: z.array(z.object({ id: z.int() })) }).parse((await cluster.pd("/regions")).body);
  given["get_region"] = { id: String(regions.regions[0]?.id) };
  for (const { name } of observations) {
    const said = JSON.stringify(await ask(name, given[name] ?? {}));
    expect(said.length, `${name}: ${said}`).toBeGreaterThan(30);
    expect(Buffer.byteLength(said), name).toBeLessThan(readBounds.bytesMax);
  }
  expect(await ask("get_region_health")).toMatchObject({ regions: 30, leaders: 30 });
});

test("a region that is written to by all shows with its leader, and PD's word of it", async () => {
  const body = JSON.stringify({ putsPerS: 2_000, ttlMs: 60_000 });
  let regionId: string | undefined;
  await until(
    "the workload knows a leader",
    async () => {
      const { body: hot } = await request("PUT", `${cluster.workloadUrl}/workload/hot`, { body });
      regionId = z.object({ regionId: z.string() }).safeParse(hot).data?.regionId;
      return regionId !== undefined;
    },
    patientMs,
  );
  const Hot = z.object({ busiest: z.array(z.object({ region: z.string(), leader: z.string() })) });
  await until(
    "it's the busiest",
    async () => {
      return Hot.parse(await ask("get_hot_write_regions")).busiest[0]?.region === `region-${regionId}`;
    },
    patientMs,
  );
  const [busiest] = Hot.parse(await ask("get_hot_write_regions")).busiest;
  expect(await ask("get_region", { id: regionId })).toMatchObject({ region: busiest?.region, leader: busiest?.leader });
});

test("an evict-leader scheduler that was forgotten shows with its store", async () => {
  const store = await cluster.storeOf("tikv-2");
  const body = JSON.stringify({ name: "evict-leader-scheduler", store_id: store.store.id });
  await request("POST", `${cluster.pds[0]?.url}/pd/api/v1/schedulers`, { body });
  expect(await ask("get_schedulers")).toMatchObject({ evictLeader: [await targetOf("tikv-2")] });
  await until(
    "its leaders leave",
    async () => {
      const { leadersByStore } = z
        .object({ leadersByStore: z.record(z.string(), z.number()) })
        .parse(await ask("get_region_health"));
      return leadersByStore[await targetOf("tikv-2")] === 0;
    },
    patientMs,
  );
  expect(JSON.stringify(await ask("get_operators"))).toContain("evict-leader-scheduler");
});

test("a killed store shows in PD's list, in its course, and in what can't be scraped", async () => {
  const store = await targetOf("tikv-3");
  await cluster.member("tikv-3").kill();
  const Stores = z.object({ stores: z.record(z.string(), z.object({ state: z.string() })) });
  await until(
    "PD says so",
    async () => Stores.parse(await ask("get_stores")).stores[store]?.state === "Disconnected",
    patientMs,
  );
  expect(Object.keys(Stores.parse(await ask("get_stores")).stores)[0]).toBe(store);
  await until(
    "it isn't scraped",
    async () => {
      const said = z.object({ isScraped: z.record(z.string(), z.unknown()) }).parse(await ask("get_cluster_metrics"));
      return said.isScraped[store] === false;
    },
    patientMs,
  );
  const course = await ask("get_metric_range", { name: "isScraped", target: store, minutes: 1 });
  expect(course).toMatchObject({ series: { [store]: { lowest: { value: 0 }, highest: { value: 1 } } } });
});

test("a member of PD that is paused costs the others nothing, and is told by its silence", async () => {
  const leader = await leaderOf();
  const paused = ["pd-1", "pd-2", "pd-3"].find((name) => name !== leader) ?? "";
  cluster.member(paused).signal("SIGSTOP");
  try {
    expect(await ask("get_members")).toMatchObject({ leader, answers: { [paused]: { code: "TIMEOUT" } } });
    for (const name of ["get_stores", "get_schedule_config", "get_region_health", "get_cluster_metrics"]) {
      expect(await ask(name), name).toBeTypeOf("object");
    }
  } finally {
    cluster.member(paused).signal("SIGCONT");
  }
});

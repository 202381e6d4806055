import type { Observation, Reading } from "@operator/subject/observation";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { observe } from "./observe.ts";
import { type PrometheusFixture, startPrometheus } from "./prometheus.fixture.ts";
import { type ClusterFixture, startCluster } from "./simulator/src/cluster.fixture.ts";
import { state, type State } from "./state.ts";
import { until } from "./until.fixture.ts";

// A simulated cluster of real processes, and a real Prometheus that scrapes them, as the observer reads them. The tests
// break it one after the other.

let cluster: ClusterFixture;
let prometheus: PrometheusFixture;
let observation: Observation;

beforeAll(async () => {
  cluster = await startCluster({ scale: 5, withWorkload: true });
  await cluster.startAll();
  const instances = [...cluster.pds.map(({ url }) => new URL(url).host), ...cluster.tikvs.map(({ status }) => status)];
  prometheus = await startPrometheus(instances);
  observation = await observe({
    TIKV_PD_ENDPOINTS: cluster.pds.map(({ url }) => url).join(","),
    TIKV_PROMETHEUS_URL: prometheus.url,
  });
});

afterAll(async () => {
  await observation.close();
  await prometheus[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

async function readingsOf(name: string): Promise<Record<string, Reading>> {
  const source = observation.sources.find((source) => source.name === name);
  if (!source) throw new Error(`no source ${name}`);
  return await source.read(AbortSignal.timeout(source.timeoutMs));
}

/** What a source reads, each target's by the room's schema; a target without a reading is left out. */
async function read<Source extends keyof State>(name: Source): Promise<NonNullable<State[Source]>> {
  const readings = Object.entries(await readingsOf(name)).flatMap(([target, reading]) =>
    "value" in reading ? [[target, state[name].parse(reading.value)]] : [],
  );
  // Each was parsed by this very source's schema.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(readings) as NonNullable<State[Source]>;
}

const targetOf = async (tikv: string) => `store-${(await cluster.storeOf(tikv)).store.id}`;

test("before anything was read, each configured member is probed and no source is without a target", () => {
  expect(observation.probeTargets().map(({ address }) => address)).toEqual(
    cluster.pds.map(({ url }) => `${url}/pd/api/v1/ping`),
  );
  expect(observation.sources.map(({ name, targets }) => [name, targets()[0]])).toEqual([
    ["members", "cluster"],
    ["stores", "store-list"],
    ["schedule", "cluster"],
    ["operators", "cluster"],
    ["hot", "cluster"],
    ["prometheus", "cluster"],
  ]);
});

test("a well cluster, source by source", async () => {
  const { cluster: members } = await read("members");
  expect(members).toMatchObject({ isListed: true, leader: expect.stringMatching(/^pd-[123]$/) });
  expect(Object.keys(members?.members ?? {}).toSorted()).toEqual(["pd-1", "pd-2", "pd-3"]);

  const stores = await read("stores");
  const ids = await Promise.all(cluster.tikvs.map(({ name }) => targetOf(name)));
  expect(Object.keys(stores).toSorted()).toEqual(ids.toSorted());
  for (const store of Object.values(stores)) expect(store).toMatchObject({ state: "Up" });

  expect((await read("schedule"))["cluster"]).toMatchObject({
    leaderScheduleLimit: 4,
    maxReplicas: 3,
    evictLeader: [],
  });
  expect((await read("operators"))["cluster"]?.count).toBeTypeOf("number");
  // Regions tell PD of their traffic once a minute, here every 12 s.
  await until(
    "regions have traffic",
    async () => ((await read("hot"))["cluster"]?.write[0]?.writtenKeys ?? 0) > 0,
    30_000,
  );
});

test("each store and each member is probed where it is, under its own name", async () => {
  const targets = observation.probeTargets();
  const ids = await Promise.all(cluster.tikvs.map(({ name }) => targetOf(name)));
  expect(targets.map(({ target }) => target).toSorted()).toEqual(["pd-1", "pd-2", "pd-3", ...ids].toSorted());
  for (const { target, open } of targets) {
    const asker = open();
    expect(await asker.ask(2_000), target).toMatchObject({ kind: "answered" });
    asker.close();
  }
});

test("Prometheus' leaders of all stores are the regions that PD counts", async () => {
  const sum = (readings: NonNullable<State["prometheus"]>) =>
    Object.values(readings).reduce((sum, { leaders = 0 }) => sum + leaders, 0);
  const gauges = ["leaders", "regions", "capacityBytes", "availableBytes", "usedBytes", "diskSlowScore"];
  const rates = ["cpuCores", "requestsPerS", "p99Ms"];
  const raft = ["appendLogP99Ms", "applyLogP99Ms", "commitLogP99Ms"];
  const target = await targetOf("tikv-1");
  // A scrape that a busy machine didn't answer in time is made up for by the next one.
  const look = async () => {
    const readings = await read("prometheus");
    expect(readings["cluster"]).toMatchObject({ regionCount: 30, p99Ms: expect.any(Number) });
    expect(sum(readings)).toBe(30);
    expect(readings["pd-1"]).toEqual({ isScraped: true, hasEtcdLeader: true });
    const { isScraped, ...values } = readings[target] ?? {};
    expect(isScraped).toBe(true);
    expect(Object.keys(values).toSorted()).toEqual(
      [...gauges, "networkSlowScore", "memoryBytes", ...rates, ...raft].toSorted(),
    );
    for (const value of Object.values(values)) expect(value).toBeGreaterThanOrEqual(0);
  };
  await vi.waitFor(look, { timeout: 40_000, interval: 250 });
});

test("a killed store refuses its probe at once, long before PD calls it disconnected", async () => {
  const target = await targetOf("tikv-3");
  const probe = observation.probeTargets().find((probe) => probe.target === target);
  await cluster.member("tikv-3").kill();
  const asker = probe?.open();
  expect(await asker?.ask(1_000)).toMatchObject({ kind: "refused" });
  asker?.close();
  expect((await read("stores"))[target]).toMatchObject({ state: "Up" });
  await until("PD says so", async () => (await read("stores"))[target]?.state === "Disconnected", 20_000);
  await until("it isn't scraped", async () => (await read("prometheus"))[target]?.isScraped === false);
});

test("the leader of PD is killed: nobody leads, sources of the leader fail with a code, and another one leads since now", async () => {
  const before = (await read("members"))["cluster"];
  const leader = before?.leader ?? "";
  await cluster.member(leader).kill();
  await until("nobody leads", async () => (await read("members"))["cluster"]?.leader === undefined);
  await expect(readingsOf("stores")).rejects.toMatchObject({
    code: expect.stringMatching(/^(Err\w+|TIMEOUT|ECONNREFUSED)$/),
  });
  const at = Date.now();
  await until(
    "another one leads",
    async () => {
      const now = (await read("members"))["cluster"];
      return now?.leader !== undefined && now.leader !== leader && (now.leaderSinceMs ?? 0) >= at;
    },
    30_000,
  );
  expect((await read("members"))["cluster"]?.answers[leader]).toEqual({ code: "ECONNREFUSED" });
  await until("stores are read again", () => readingsOf("stores").then(Boolean, () => false));
});

test("the leader of PD is paused: who passes questions on to it is silent as well, every reading ends in time, and another one leads", async () => {
  const killed = cluster.pds.find(({ name }) => !cluster.member(name).isRunning);
  cluster.start(killed?.name ?? "");
  const leader = (await read("members"))["cluster"]?.leader ?? "";
  await until(
    "the killed one follows",
    async () => (await read("members"))["cluster"]?.answers[killed?.name ?? ""]?.leader === leader,
  );
  cluster.member(leader).signal("SIGSTOP");
  const reading = (await read("members"))["cluster"];
  expect(reading?.leader).toBeUndefined();
  expect(Object.values(reading?.answers ?? {}).map(({ code }) => code)).toEqual(["TIMEOUT", "TIMEOUT", "TIMEOUT"]);
  await expect(readingsOf("stores")).rejects.toMatchObject({ code: "TIMEOUT" });
  await until(
    "another one leads",
    async () => ![leader, undefined].includes((await read("members"))["cluster"]?.leader),
    30_000,
  );
  // The paused one costs a question 400 ms, and only the first.
  await until("stores are read again", () => readingsOf("stores").then(Boolean, () => false));
  cluster.member(leader).signal("SIGCONT");
});

test("Prometheus is away: its source fails with a code, and the others go on", async () => {
  await prometheus[Symbol.asyncDispose]();
  await expect(readingsOf("prometheus")).rejects.toMatchObject({
    code: expect.stringMatching(/^(ECONNREFUSED|UND_ERR_SOCKET|ECONNRESET)$/),
  });
  expect((await read("members"))["cluster"]?.leader).toBeDefined();
});

test("without its address there's no such source", async () => {
  const without = await observe({ TIKV_PD_ENDPOINTS: "127.0.0.1:1" });
  expect(without.sources.map(({ name }) => name)).not.toContain("prometheus");
  await without.close();
});

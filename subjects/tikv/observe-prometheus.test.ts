import { afterAll, expect, test, vi } from "vitest";
import { KnownMembers } from "./known-members.ts";
import { KnownStores } from "./known-stores.ts";
import { bucketsOf, serveMetrics } from "./metrics.fixture.ts";
import { prometheusSource } from "./observe-prometheus.ts";
import { PdStores } from "./pd-stores.ts";
import { PrometheusClient, prometheusDispatcher } from "./prometheus-client.ts";
import { startPrometheus } from "./prometheus.fixture.ts";
import { serve, type Serving } from "./recorded.fixture.ts";
import { PrometheusReading } from "./state.ts";

const dispatcher = prometheusDispatcher();
afterAll(() => dispatcher.destroy());

const hostOf = ({ url }: { url: string }) => new URL(url).host;
const listed = (...stores: { id: string; status_address?: string; state_name?: string }[]) =>
  PdStores.parse({
    stores: stores.map((store) => ({ store: { address: "h:1", state_name: "Up", ...store }, status: {} })),
  }).stores ?? [];

function watch(prometheus: { url: string }, members: { url: string; name: string }[], nowMs?: () => number) {
  const known = { stores: new KnownStores(), members: new KnownMembers(members) };
  const source = prometheusSource(new PrometheusClient(prometheus.url, dispatcher), {
    ...known,
    ...(nowMs && { nowMs }),
  });
  const read = async () => {
    const readings = await source.read(AbortSignal.timeout(5_000));
    return Object.fromEntries(
      Object.entries(readings).map(([target, reading]) => [
        target,
        "value" in reading ? PrometheusReading.parse(reading.value) : reading,
      ]),
    );
  };
  return { ...known, source, read };
}

test("what a real Prometheus has of stores, members and the cluster, by their addresses", async () => {
  const grpc = 'priority="unknown",type="raw_put"';
  const store = await serveMetrics({
    recording: "02-metrics/tikv1.metrics",
    counters: [
      ...bucketsOf("tikv_grpc_msg_duration_seconds", grpc, { 0.0064: 99, 0.0128: 1 }),
      { series: "process_cpu_seconds_total", perS: 0.5 },
    ],
  });
  const gone = await serve(() => {});
  await gone[Symbol.asyncDispose]();
  const leader = await serveMetrics({ recording: "02-metrics/pd-leader.metrics" });
  await using prometheus = await startPrometheus([store, gone, leader].map(hostOf));
  const { read, source, stores } = watch(prometheus, [{ url: leader.url, name: "pd-1" }]);
  stores.learn(
    listed(
      { id: "7", status_address: hostOf(store) },
      { id: "8", status_address: hostOf(gone) },
      { id: "9", status_address: "127.0.0.1:1" },
      { id: "10" },
      { id: "11", status_address: hostOf(store), state_name: "Tombstone" },
    ),
  );
  expect(source.targets()).toEqual(["cluster", "store-7", "store-8", "store-9", "store-10", "pd-1"]);
  const all = {
    "store-7": {
      isScraped: true,
      leaders: 5,
      regions: 31,
      capacityBytes: 10_737_418_240,
      availableBytes: 10_330_221_305,
      usedBytes: 407_196_935,
      diskSlowScore: 1,
      networkSlowScore: 1,
      memoryBytes: 384_131_072,
      cpuCores: expect.closeTo(0.5, 2),
      requestsPerS: expect.closeTo(100, 0),
      p99Ms: 6.4,
    },
    "store-8": { isScraped: false },
    // Prometheus knows nothing of it, or can't tell it.
    "store-9": {},
    "store-10": {},
    "store-11": { left: true },
    "pd-1": { isScraped: true, hasEtcdLeader: true },
    cluster: {
      regionCount: 60,
      regionHealth: { miss: 0, down: 0, pending: 0, offline: 0, extra: 0, learner: 0, empty: 60 },
      requestsPerS: expect.closeTo(100, 0),
      p99Ms: 6.4,
    },
  };
  // A scrape that a busy machine didn't answer in time is made up for by the next one.
  await vi.waitFor(async () => expect(await read()).toEqual(all), { timeout: 30_000, interval: 100 });
  for (const serving of [store, leader]) await serving[Symbol.asyncDispose]();
});

/** PD's list of one member, at this address. */
const memberAt = (name: string, url: string) => ({
  header: { cluster_id: "1" },
  members: [{ name, member_id: "2", client_urls: [url] }],
});

test("a member that's reached by another address than PD lists is known by either", async () => {
  const leader = await serveMetrics({ recording: "02-metrics/pd-leader.metrics" });
  await using prometheus = await startPrometheus([hostOf(leader)]);
  // The way from here; PD's own address, which Prometheus scrapes, is another.
  const { read, members } = watch(prometheus, [{ url: "http://127.0.0.1:1", name: "pd-1" }]);
  members.learn(memberAt("pd-1", leader.url));
  expect(members.watched().get("pd-1")?.url).toBe("http://127.0.0.1:1");
  const seen = { "pd-1": { isScraped: true, hasEtcdLeader: true }, cluster: { regionCount: 60 } };
  await vi.waitFor(async () => expect(await read()).toMatchObject(seen), { timeout: 30_000, interval: 100 });
  // Here it's the other way round.
  const other = watch(prometheus, [{ url: leader.url, name: "pd-1" }]);
  other.members.learn(memberAt("pd-1", "http://127.0.0.1:1"));
  await vi.waitFor(async () => expect(await other.read()).toMatchObject(seen), { timeout: 30_000, interval: 100 });
  await leader[Symbol.asyncDispose]();
});

test("where a person's address is another member's by PD's list, that one is meant", () => {
  const members = new KnownMembers([{ url: "http://127.0.0.1:2", name: "pd-1" }]);
  expect([...members.instances()]).toEqual([["127.0.0.1:2", "pd-1"]]);
  const [one, two] = [memberAt("pd-1", "http://127.0.0.1:1"), memberAt("pd-2", "http://127.0.0.1:2/")];
  members.learn({ ...one, members: [...two.members, ...one.members] });
  expect(Object.fromEntries(members.instances())).toEqual({ "127.0.0.1:1": "pd-1", "127.0.0.1:2": "pd-2" });
});

/** A Prometheus that answers each query as told, with 503 where nothing is: queries of what is now, and of the last minute. */
async function answering(answers: { now: string | undefined; lastMinute: string | undefined }): Promise<Serving> {
  const serving: Serving = await serve((_, response) => {
    const [reading, value] = isNow(serving.asked.at(-1)) ? ["leaders", answers.now] : ["p99Ms", answers.lastMinute];
    const result = [{ metric: { reading, instance: "h:1" }, value: [0, value] }];
    response.writeHead(value === undefined ? 503 : 200);
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  return serving;
}

function isNow(asked: Serving["asked"][number] | undefined): boolean {
  return asked?.body.includes("tikv_store_size_bytes") ?? false;
}

test("one query a second: rates and quantiles every fifth, and kept until then", async () => {
  const answers = { now: "5", lastMinute: "12.5" };
  await using prometheus = await answering(answers);
  const { read, stores } = watch(prometheus, []);
  stores.learn(listed({ id: "7", status_address: "h:1" }));
  const seen = [];
  for (let second = 0; second < 11; second += 1) seen.push((await read())["store-7"]);
  expect(seen[0]).toEqual({ leaders: 5 });
  for (const reading of seen.slice(1)) expect(reading).toEqual({ leaders: 5, p99Ms: 12.5 });
  expect(prometheus.asked.length).toBe(11);
  expect(prometheus.asked.flatMap((asked, at) => (isNow(asked) ? [] : at))).toEqual([1, 6]);
});

test("of more than 50 stores the last minute is asked for in turns, then of the cluster, and kept until the next time", async () => {
  let now = 0;
  await using prometheus = await serve((_, response) => {
    const body = new URLSearchParams(prometheus.asked.at(-1)?.body).get("query") ?? "";
    const about = /h:\d+/.exec(body)?.[0] ?? "";
    const metric = body.includes('"clusterP99Ms"')
      ? { reading: "clusterP99Ms" }
      : { reading: "p99Ms", instance: about };
    const result = isNow(prometheus.asked.at(-1)) ? [] : [{ metric, value: [0, "12.5"] }];
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  const { read, stores } = watch(prometheus, [], () => now);
  const many = Array.from({ length: 120 }, (_, at) => ({ id: `${at + 1}`, status_address: `h:${at}` }));
  stores.learn(listed(...many));
  const seen: Awaited<ReturnType<typeof read>>[] = [];
  for (; seen.length < 10; now += 1_000) seen.push(await read());
  const named = prometheus.asked.map(
    ({ body }) => new Set(new URLSearchParams(body).get("query")?.match(/h:\d+/g)).size,
  );
  expect(named).toEqual([120, 50, 120, 50, 120, 20, 120, 120, 120, 50]);
  // Each turn's first store, and the cluster.
  for (const [target, at] of Object.entries({ "store-1": 1, "store-51": 3, "store-101": 5, cluster: 7 })) {
    expect(seen.map((readings) => readings[target]).map((one) => one !== undefined && "p99Ms" in one)).toEqual(
      seen.map((_, second) => second >= at),
    );
  }
});

test("what couldn't be read again isn't shown any more", async () => {
  let now = 0;
  const answers: { now: string | undefined; lastMinute: string | undefined } = { now: "5", lastMinute: "12.5" };
  await using prometheus = await answering(answers);
  const { read, stores } = watch(prometheus, [], () => now);
  stores.learn(listed({ id: "7", status_address: "h:1" }));
  for (const _ of "01234") await read();
  answers.now = undefined;
  await expect(read()).rejects.toMatchObject({ code: "PROMETHEUS_HTTP_503" });
  // Asked for the last minute.
  expect((await read())["store-7"]).toEqual({ p99Ms: 12.5 });
  answers.now = "NaN";
  expect((await read())["store-7"]).toEqual({ p99Ms: 12.5 });
  now = 12_001;
  expect((await read())["store-7"]).toEqual({});
});

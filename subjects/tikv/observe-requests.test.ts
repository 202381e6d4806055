import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { z } from "zod";
import { observe } from "./observe.ts";
import { startPrometheus } from "./prometheus.fixture.ts";
import { type ClusterFixture, startCluster } from "./simulator/src/cluster.fixture.ts";
import { until } from "./until.fixture.ts";

// What the sources of state cost a cluster: at most one request per member and source a second, one query of Prometheus a
// second, and no answer that grows with the number of regions. Counted where undici sends them. The probe is no such source:
// it asks each member for a ping every 250 ms (docs/design.md, 5).

/** Enough for each pace that a source has. */
const readingsMax = 6;

const Created = z.object({ request: z.object({ origin: z.string() }) });
const Received = z.object({ chunk: z.instanceof(Uint8Array) });

/** Requests by origin, and bytes of all answers, while something is done. */
async function counted(something: () => Promise<unknown>) {
  const requests = new Map<string, number>();
  let bytes = 0;
  const count = (message: unknown) => {
    const { origin } = Created.parse(message).request;
    requests.set(origin, (requests.get(origin) ?? 0) + 1);
  };
  const weigh = (message: unknown) => void (bytes += Received.parse(message).chunk.length);
  subscribe("undici:request:create", count);
  subscribe("undici:request:bodyChunkReceived", weigh);
  try {
    await something();
  } finally {
    unsubscribe("undici:request:create", count);
    unsubscribe("undici:request:bodyChunkReceived", weigh);
  }
  return { requests, bytes };
}

/** By source: the most requests a second that one member gets, and the bytes of all answers of a reading, of the dearest one. */
async function costOf(regions: number) {
  await using cluster = await startCluster({ scale: 10, regions });
  await cluster.startAll();
  await evictLeader(cluster);
  const instances = [...cluster.pds.map(({ url }) => new URL(url).host), ...cluster.tikvs.map(({ status }) => status)];
  await using prometheus = await startPrometheus(instances);
  const scrapes = async () =>
    (await (await fetch(`${prometheus.url}/api/v1/query?query=sum(up)`)).text()).includes(`"${instances.length}"`);
  await until("Prometheus has something of each member", scrapes, 20_000);
  const observation = await observe({
    TIKV_PD_ENDPOINTS: cluster.pds.map(({ url }) => url).join(","),
    TIKV_PROMETHEUS_URL: prometheus.url,
  });
  const costs = new Map<string, { perSecond: number; bytes: number }>();
  for (const { name, rhythmMs, timeoutMs, read } of observation.sources) {
    const once = () => read(AbortSignal.timeout(timeoutMs));
    await until(
      `${name} is read some times in a row`,
      async () => {
        try {
          // The first reading finds out whom to ask; a member that doesn't answer in time has another one asked.
          await once();
          const all = [];
          while (all.length < readingsMax) all.push(await counted(once));
          costs.set(name, {
            perSecond: Math.max(...all.flatMap(({ requests }) => [...requests.values()])) * (1_000 / rhythmMs),
            bytes: Math.max(...all.map(({ bytes }) => bytes)),
          });
          return true;
        } catch {
          return false;
        }
      },
      20_000,
    );
  }
  await observation.close();
  return costs;
}

/** Someone keeps a store free of leaders: then it's asked which. */
async function evictLeader({ pds, storesNow }: ClusterFixture): Promise<void> {
  const [first] = await storesNow();
  const body = JSON.stringify({ name: "evict-leader-scheduler", store_id: first?.store.id });
  const answer = await fetch(`${pds[0]?.url}/pd/api/v1/schedulers`, { method: "POST", body });
  expect(answer.status).toBe(200);
}

test("a source asks each member at most once a second, and what it's told doesn't grow with the regions", async () => {
  const few = await costOf(30);
  const many = await costOf(900);
  expect([...few.keys()].toSorted()).toEqual(["hot", "members", "operators", "prometheus", "schedule", "stores"]);
  for (const [source, { perSecond, bytes }] of many) {
    expect(perSecond, source).toBeGreaterThan(0);
    expect(perSecond, source).toBeLessThanOrEqual(1);
    expect(bytes, source).toBeGreaterThan(0);
    // Counts have a digit more, and operators may be under way.
    expect(bytes, source).toBeLessThan((few.get(source)?.bytes ?? 0) * 1.2 + 2_048);
  }
  // Every five seconds five requests, the last of which is for the stores without leaders.
  expect(many.get("schedule")?.perSecond).toBe(1);
});

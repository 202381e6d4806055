import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import { prometheusSource } from "./observe-prometheus.ts";
import { type Scraped, withPrometheus } from "./read-prometheus.ts";
import { PrometheusReading } from "./state.ts";
import { cluster } from "./targets.ts";

const none = z.strictObject({});
const OneStore = z.strictObject({
  store: z
    .string()
    .max(26)
    .regex(/^store-\d{1,20}$/, { error: "a store, such as store-4" })
    .describe("a store, e.g. store-4"),
});

/** What Prometheus has of one store. */
export const getStoreMetrics = defineReadTool<typeof OneStore>({
  name: "get_store_metrics",
  title: "What Prometheus has of one store now",
  about:
    "Leaders, regions, exact sizes in bytes, slow scores of disk and network, CPU, memory, requests per second and 99th percentiles (requests; the append, commit and apply of Raft's log) over the last minute. What is absent isn't known, not 0. Helps to tell a slow disk from a slow network or too much load.",
  parameters: OneStore,
  read: ({ store }, hands) =>
    withPrometheus(hands, async (scraped) => {
      const { stores } = scraped;
      const address = stores.listed().get(store)?.statusAddress;
      if (address === undefined) {
        const known = [...stores.listed().keys()].slice(0, 50).join(", ");
        throw new Error(`PD lists no ${store} with a status address: it lists ${known || "no stores"}`);
      }
      return { store, instance: address, ...(await readNow(scraped, store, hands.signal)) };
    }),
});

/** What Prometheus has of the cluster. */
export const getClusterMetrics = defineReadTool<typeof none>({
  name: "get_cluster_metrics",
  title: "What Prometheus has of the whole cluster now",
  about:
    "Requests per second and their 99th percentile over the last minute of all stores together, regions that lack peers or have down, pending, offline or extra ones, the number of regions, and which stores and PD members Prometheus could scrape last. What is absent isn't known, not 0.",
  parameters: none,
  read: (_, hands) =>
    withPrometheus(hands, async (scraped) => {
      const targets = [...scraped.members.watched().keys(), ...scraped.stores.watched().keys()];
      const readings = await readAll(scraped, hands.signal);
      const scrapes = targets.map((target) => [target, readings.get(target)?.isScraped ?? "not known"] as const);
      return { ...readings.get(cluster), isScraped: Object.fromEntries(scrapes) };
    }),
});

/** One target's metrics, those of now and those of the last minute. */
export async function readNow(scraped: Scraped, target: string, signal: AbortSignal): Promise<PrometheusReading> {
  return (await readAll(scraped, signal)).get(target) ?? {};
}

async function readAll(scraped: Scraped, signal: AbortSignal): Promise<Map<string, PrometheusReading>> {
  const source = prometheusSource(scraped.prometheus, scraped);
  const readings = new Map<string, PrometheusReading>();
  // Its first reading has what is now, its second what the last minute was.
  for (const read of await Promise.all([source.read(signal), source.read(signal)])) {
    for (const [target, reading] of Object.entries(read)) {
      if (!("value" in reading)) continue;
      readings.set(target, { ...readings.get(target), ...PrometheusReading.parse(reading.value) });
    }
  }
  return readings;
}

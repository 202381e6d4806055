import type { Reading, Source } from "@operator/subject/observation";
import { Agent, request } from "undici";
import { samplesOf } from "./observe-text.ts";
import type { KnownNodes } from "./observe-nodes.ts";
import { type History, readWindow, type Scrape } from "./observe-window.ts";

const decisions = "ratelimiter_decisions_total";
const duration = "ratelimiter_decision_duration_seconds_bucket";
const connected = "ratelimiter_redis_connected";
const processStart = "ratelimiter_process_start_time_seconds";
const wanted = new Set([decisions, duration, connected, processStart]);

const scrapeMs = 800;
const pageBytesMax = 1_048_576;
const nodesMax = 256;

/** Scrapes each node's `/metrics`; one that doesn't answer costs the others nothing. */
export function metricsSource(nodes: KnownNodes): Source & { close: () => Promise<void> } {
  const agent = new Agent({ connections: 1, pipelining: 1, connect: { timeout: scrapeMs } });
  const histories = new Map<string, History>();

  async function readNode(id: string, url: string, signal: AbortSignal): Promise<Reading> {
    const page = await fetchPage(`${url}/metrics`, agent, signal);
    if (typeof page !== "string") return page;
    const { history, reading } = readWindow(histories.get(id) ?? [], scrapeOf(page, performance.now()));
    histories.set(id, history);
    return { value: reading };
  }

  return {
    name: "metrics",
    rhythmMs: 1_000,
    timeoutMs: 950,
    targets: () => [...nodes.watched().keys()],
    read: async (signal) => {
      const watched = [...nodes.watched()].slice(0, nodesMax);
      const readings = await Promise.all(
        watched.map(async ([id, url]) => [id, await readNode(id, url, signal)] as const),
      );
      for (const id of nodes.departed()) histories.delete(id);
      const left = nodes.departed().map((id) => [id, { left: true }] as const);
      return Object.fromEntries<Reading>([...readings, ...left]);
    },
    close: () => agent.destroy(),
  };
}

type Failure = Extract<Reading, { error: unknown }>;

async function fetchPage(url: string, dispatcher: Agent, signal: AbortSignal): Promise<string | Failure> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(scrapeMs)]);
  try {
    const { statusCode, body } = await request(url, { dispatcher, signal: limit });
    if (statusCode !== 200) {
      await body.dump();
      return { error: { code: "METRICS_STATUS", message: `GET ${url} answered ${statusCode}, not 200` } };
    }
    let bytes = 0;
    const chunks: Buffer[] = [];
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > pageBytesMax) {
        return { error: { code: "METRICS_TOO_LARGE", message: `GET ${url} has more than ${pageBytesMax} bytes` } };
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  } catch (error) {
    if (limit.aborted) {
      return { error: { code: "METRICS_TIMEOUT", message: `GET ${url} didn't end within ${scrapeMs} ms` } };
    }
    const why = error instanceof Error ? error : new Error(String(error));
    const code = "code" in why && typeof why.code === "string" ? why.code : why.name;
    return { error: { code, message: `GET ${url} failed: ${why.message}` } };
  }
}

/** What a page shows of a node; numbers that can't be are passed over. */
export function scrapeOf(page: string, atMs: number): Scrape {
  const scrape: Scrape = { atMs, decisions: { outcome: {}, source: {} }, buckets: new Map() };
  const buckets = new Map<number, number>();
  for (const { name, labels, value } of samplesOf(page, wanted)) {
    if (!Number.isFinite(value) || value < 0) continue;
    if (name === connected) scrape.redisConnected = value === 1;
    else if (name === processStart) scrape.processStart = value;
    else if (name === decisions) {
      for (const kind of ["outcome", "source"] as const) {
        const label = labels.get(kind);
        if (label !== undefined && known[kind].has(label))
          scrape.decisions[kind][label] = (scrape.decisions[kind][label] ?? 0) + value;
      }
    } else if (name === duration) {
      const le = labels.get("le") ?? "";
      const bound = le === "+Inf" ? Infinity : Number(le);
      if (le !== "" && bound > 0 && buckets.size < bucketsMax) buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  }
  return { ...scrape, buckets };
}

const known = {
  outcome: new Set(["allowed", "denied", "error"]),
  source: new Set(["redis", "fail_open", "fail_closed"]),
};
const bucketsMax = 100;

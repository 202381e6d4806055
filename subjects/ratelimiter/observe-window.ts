import type { MetricsReading } from "./state.ts";

/** What one scrape of a node showed: everything since its process started. */
export interface Scrape {
  /** Monotonic. */
  atMs: number;
  redisConnected?: boolean;
  /** When its process started; another one means that all counts began anew. */
  processStart?: number;
  /** By `outcome` and by `source`. */
  decisions: { outcome: Record<string, number>; source: Record<string, number> };
  /** Cumulative: upper bound in seconds → decisions that took at most so long. */
  buckets: ReadonlyMap<number, number>;
}

/** The scrapes that a window can begin with, oldest first. */
export type History = readonly Scrape[];

const windowMs = 10_000;
/** An older scrape says too little about now, e.g. after the node was paused. */
const tooOldMs = 15_000;
const scrapesMax = 64;

/** The history with one scrape more, and the reading that comes of both: rates and quantiles of the last 10 s. */
export function readWindow(history: History, scrape: Scrape): { history: History; reading: MetricsReading } {
  const known = history.filter((earlier) => scrape.atMs - earlier.atMs <= tooOldMs && continues(earlier, scrape));
  const base = known.findLast(({ atMs }) => scrape.atMs - atMs >= windowMs) ?? known[0];
  const reading: MetricsReading = {
    ...(scrape.redisConnected !== undefined && { redisConnected: scrape.redisConnected }),
    ...(base && scrape.atMs > base.atMs && between(base, scrape)),
    ...lately(known.at(-1), scrape),
  };
  const needed = base ? known.slice(known.indexOf(base)) : known;
  return { history: [...needed, scrape].slice(-scrapesMax), reading };
}

/** Counters only grow within one process; one that fell says that another process counts. */
function continues(earlier: Scrape, later: Scrape): boolean {
  const grew = (from: number | undefined, to: number | undefined) => from === undefined || (to ?? -1) >= from;
  return (
    earlier.atMs < later.atMs &&
    earlier.processStart === later.processStart &&
    [...earlier.buckets].every(([bound, count]) => grew(count, later.buckets.get(bound))) &&
    earlier.buckets.size === later.buckets.size &&
    Object.entries(earlier.decisions.outcome).every(([name, count]) => grew(count, later.decisions.outcome[name]))
  );
}

function between(base: Scrape, scrape: Scrape): Partial<MetricsReading> {
  const lengthMs = scrape.atMs - base.atMs;
  const perS = (kind: "outcome" | "source", name: string) => {
    const grown = (scrape.decisions[kind][name] ?? 0) - (base.decisions[kind][name] ?? 0);
    return Math.max(0, Math.round((grown / lengthMs) * 1_000 * 100) / 100);
  };
  const grown = [...scrape.buckets]
    .map(([bound, count]) => [bound, count - (base.buckets.get(bound) ?? 0)] as const)
    .sort(([a], [b]) => a - b);
  const p50S = quantile(grown, 0.5);
  const p99S = quantile(grown, 0.99);
  return {
    windowMs: Math.max(1, Math.round(lengthMs)),
    requests: Math.round(grown.at(-1)?.[1] ?? 0),
    allowedPerS: perS("outcome", "allowed"),
    deniedPerS: perS("outcome", "denied"),
    errorPerS: perS("outcome", "error"),
    byRedisPerS: perS("source", "redis"),
    byFailOpenPerS: perS("source", "fail_open"),
    byFailClosedPerS: perS("source", "fail_closed"),
    ...(p50S !== undefined && { latencyP50Ms: rounded(p50S * 1_000) }),
    ...(p99S !== undefined && { latencyP99Ms: rounded(p99S * 1_000) }),
  };
}

function lately(before: Scrape | undefined, scrape: Scrape): Partial<MetricsReading> {
  if (!before) return {};
  const grown = (kind: "outcome" | "source", name: string) =>
    Math.max(0, Math.round((scrape.decisions[kind][name] ?? 0) - (before.decisions[kind][name] ?? 0)));
  return { allowedLately: grown("outcome", "allowed"), failedOpenLately: grown("source", "fail_open") };
}

/**
 * The value below which the share `q` of a histogram lies, by cumulative counts per upper bound (ascending), straight
 * within a bucket as Prometheus has it; at most the largest finite bound. Undefined when nothing was counted.
 */
export function quantile(buckets: readonly (readonly [bound: number, count: number])[], q: number): number | undefined {
  const total = buckets.at(-1)?.[1] ?? 0;
  if (!(total > 0)) return undefined;
  const rank = q * total;
  let [lower, below] = [0, 0];
  for (const [bound, count] of buckets) {
    if (count >= rank && count > below) {
      if (bound === Infinity) return lower;
      return lower + (bound - lower) * ((rank - below) / (count - below));
    }
    // A broken page's counts may fall; what was counted below stays counted.
    below = Math.max(below, count);
    if (bound !== Infinity) lower = bound;
  }
  return lower;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

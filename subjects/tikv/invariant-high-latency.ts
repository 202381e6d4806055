import type { Invariant } from "@operator/subject/invariant";
import { isDrained, storeLeft } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State } from "./state.ts";
import { cluster, storeIdOf } from "./targets.ts";

const p99MsMax = 100;
/** 120 in the minute that the quantile is of: of fewer, the slowest one request decides. */
const requestsPerSMin = 2;

interface Latency {
  p99Ms: number;
  requestsPerS: number;
}

/** One slow store is that store's case; where most are slow, it's one of the cluster. */
export const highLatency: Invariant<State> = {
  name: "high_latency",
  title: `99 of 100 requests take at most ${p99MsMax} ms`,
  severity: "warning",
  graceMs: 60_000,
  worstDetectionMs: 130_000,
  limit: p99MsMax,
  unit: "ms",
  why: "A read or write of a well store takes a few ms, so 100 ms is a queue, and a minute of it no compaction. The quantile is of the last minute, which comes on top. It's the only sign of a store that is halted most of the time and goes on: no field of PD shows it (measured: 650 to 800 ms). Below two requests a second, or when its scrape fails, nobody can tell, but of a store that was drained: nobody is to ask it. The official TiKV_async_request_write_duration_seconds and its like come at 1 s, ten times as much. When most stores are slow it's said once, of the cluster; else of the slow ones, and not of the cluster.",
  targets: ({ prometheus }) =>
    Object.keys(prometheus ?? {}).filter((target) => target === cluster || storeIdOf(target) !== undefined),
  needs: (target) => [{ source: "prometheus", target }],
  judge: (state, target, atMs, isFresh) => {
    const reading = state.prometheus?.[target];
    if (!reading) return { verdict: "unknown", reason: `Prometheus was never asked about ${target}` };
    const own = latencyOf(state, target);
    if (!own && reading.isScraped === true && isDrained(state, target, atMs, isFresh)) {
      const pointers = [
        ...pointersTo("stores", target, "leaderCount"),
        ...pointersTo("schedule", cluster, "evictLeader"),
      ];
      return { verdict: "ok", reason: `${target} leads nothing, so nobody asks it`, value: "drained", pointers };
    }
    if (!own) {
      const reason =
        reading.isScraped === false
          ? `Prometheus can't scrape ${target}`
          : reading.requestsPerS === undefined
            ? `Prometheus doesn't tell how many requests ${target} has`
            : `${reading.requestsPerS.toFixed(1)} requests a second: judged from ${requestsPerSMin} on`;
      return { verdict: "unknown", reason };
    }
    const { p99Ms, requestsPerS } = own;
    const pointers = [
      ...pointersTo("prometheus", target, "p99Ms", "requestsPerS", "appendLogP99Ms", "commitLogP99Ms"),
      ...(target === cluster
        ? []
        : [...pointersTo("stores", target, "slowScore", "state", "isBusy"), ...pointersTo("probe", target, "state")]),
      ...pointersTo("hot", cluster, "lately", ...hottest("write", "written"), ...hottest("read", "read")),
      ...pointersTo("schedule", cluster, "evictLeader", "leaderScheduleLimit", "haltScheduling"),
    ];
    const reason = `p99 of ${Math.round(requestsPerS)} requests a second is ${p99Ms.toFixed(1)} ms`;
    if (p99Ms <= p99MsMax) return { verdict: "ok", reason, value: p99Ms, pointers };
    const judged = storesJudged(state);
    const slow = judged.filter(([, { p99Ms }]) => p99Ms > p99MsMax).map(([store]) => store);
    const isClusters = slow.length * 2 > judged.length;
    if (target === cluster && slow.length > 0 && !isClusters) {
      return {
        verdict: "unknown",
        reason: `${reason}: told of the stores that alone are slow, ${slow.slice(0, 5).join(", ")}`,
      };
    }
    if (target !== cluster && isClusters && latencyOf(state, cluster)) {
      return {
        verdict: "unknown",
        reason: `${reason}: told of the cluster, as ${slow.length} of ${judged.length} stores are slow`,
      };
    }
    return {
      verdict: "violated",
      reason: `${reason}, more than ${p99MsMax} ms`,
      value: p99Ms,
      detail: { kind: "threshold", value: p99Ms, limit: p99MsMax, unit: "ms" },
      pointers,
    };
  },
  left: storeLeft,
};

/** The 99th percentile of a store's requests of the last minute, where it's too high; in ms. */
export function slowP99Of(state: State, store: string): number | undefined {
  const { p99Ms = 0 } = latencyOf(state, store) ?? {};
  return p99Ms > p99MsMax ? p99Ms : undefined;
}

function storesJudged(state: State): [string, Latency][] {
  return Object.keys(state.prometheus ?? {}).flatMap((target): [string, Latency][] => {
    const latency = storeIdOf(target) === undefined ? undefined : latencyOf(state, target);
    return latency ? [[target, latency]] : [];
  });
}

/** Undefined: it can't be judged. */
function latencyOf({ prometheus }: State, target: string): Latency | undefined {
  const { isScraped, p99Ms, requestsPerS = 0 } = prometheus?.[target] ?? {};
  if (isScraped === false || p99Ms === undefined || requestsPerS < requestsPerSMin) return undefined;
  return { p99Ms, requestsPerS };
}

/** The busiest region, as it may be the one that all wait for. */
function hottest(list: "write" | "read", did: "written" | "read"): string[] {
  return ["region", "leader", `${did}Keys`].map((field) => `${list}/0/${field}`);
}

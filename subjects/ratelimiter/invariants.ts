import { toPointer } from "@operator/contracts/json";
import type { Invariant, Judgement } from "@operator/subject/invariant";
import type { ProbeReading } from "@operator/subject/probe";
import { ghostAllowing } from "./invariant-ghost-allowing.ts";
import { limitDiffers } from "./invariant-limit-differs.ts";
import { counterDrift, overAdmission } from "./invariants-counters.ts";
import { nodeLeft } from "./left.ts";
import type { State } from "./state.ts";

/** A node that was seen draining gets so long to show up as departed before it counts as down. */
const drainMs = 3_000;
const latencyP99MsMax = 100;
/** Below this many decisions in the window a 99th percentile is one slow request. */
const requestsMin = 20;

const nodeDown: Invariant<State> = {
  name: "node_down",
  title: "Every node answers",
  severity: "critical",
  graceMs: 0,
  worstDetectionMs: 2_000,
  why: "A dead node's share of the traffic fails at once. The probe has confirmed it before it says refused or silent, so there is nothing to wait for; a pause takes it two questions of 500 ms.",
  targets: ({ probe, registry }) => {
    const probed = Object.keys(probe ?? {}).filter((target) => target !== "redis");
    return [...new Set([...probed, ...(registry?.["cluster"]?.members ?? [])])];
  },
  needs: (node) => [{ source: "probe", target: node }],
  judge: (state, node, atMs) => {
    const reading = state.probe?.[node];
    const entry = state.registry?.["cluster"]?.nodes[node];
    const brokenMs = reading ? atMs - reading.sinceMs : 0;
    // It stops on purpose: the registry is read once a second, so its goodbye may not have been read yet.
    if (reading && reading.state !== "up" && entry?.status === "draining" && brokenMs < drainMs) {
      return { verdict: "unknown", reason: `${node} was draining and stopped ${brokenMs} ms ago: is it departed?` };
    }
    return judgeProbe(reading, node, atMs);
  },
  left: nodeLeft,
};

const redisDown: Invariant<State> = {
  name: "redis_down",
  title: "Redis answers",
  severity: "critical",
  graceMs: 0,
  worstDetectionMs: 2_000,
  why: "Without Redis no node can count: each decides by its failure policy, so limits hold for nobody. Found as fast as a dead node, by PING.",
  targets: () => ["redis"],
  needs: () => [{ source: "probe", target: "redis" }],
  judge: (state, target, atMs) => judgeProbe(state.probe?.[target], target, atMs),
};

const redisDisconnected: Invariant<State> = {
  name: "redis_disconnected",
  title: "Every node reaches Redis",
  severity: "warning",
  graceMs: 3_000,
  worstDetectionMs: 7_000,
  limit: "connected",
  why: "A node that alone can't reach Redis admits by its failure policy. A reconnect takes under a second; 3 s is also longer than redis_down takes to be found, which would explain it. A node notices within 1 s, its metrics are read every second.",
  targets: ({ metrics }) => Object.keys(metrics ?? {}),
  needs: (node) => [{ source: "metrics", target: node }],
  judge: (state, node) => {
    const connected = state.metrics?.[node]?.redisConnected;
    if (connected === undefined) return { verdict: "unknown", reason: `${node} doesn't say whether it reaches Redis` };
    const pointers = [toPointer(["parts", "metrics", node, "redisConnected"])];
    if (connected) return { verdict: "ok", reason: `${node} reaches Redis`, value: "connected", pointers };
    return {
      verdict: "violated",
      reason: `${node} can't reach Redis: it decides without counting`,
      value: "disconnected",
      detail: { kind: "state", value: "disconnected", expected: "connected" },
      pointers,
    };
  },
  left: nodeLeft,
};

const highLatency: Invariant<State> = {
  name: "high_latency",
  title: `99 of 100 decisions take at most ${latencyP99MsMax} ms`,
  severity: "warning",
  graceMs: 60_000,
  worstDetectionMs: 75_000,
  limit: latencyP99MsMax,
  unit: "ms",
  why: "A decision stands before every request of the caller. A minute above 100 ms is no hiccup of a garbage collector; the window of 10 s, the reading and the snapshot come on top. With fewer than 20 decisions in the window nobody can tell: unknown, neither slow nor fast.",
  targets: ({ metrics }) => Object.keys(metrics ?? {}),
  needs: (node) => [{ source: "metrics", target: node }],
  judge: (state, node) => {
    const { requests = 0, latencyP99Ms, windowMs = 0 } = state.metrics?.[node] ?? {};
    if (requests < requestsMin || latencyP99Ms === undefined) {
      const reason = `${requests} decisions in ${windowMs / 1_000} s: judged from ${requestsMin} on`;
      return { verdict: "unknown", reason };
    }
    const pointers = [
      toPointer(["parts", "metrics", node, "latencyP99Ms"]),
      toPointer(["parts", "metrics", node, "requests"]),
    ];
    const reason = `p99 of ${requests} decisions is ${latencyP99Ms.toFixed(1)} ms`;
    if (latencyP99Ms <= latencyP99MsMax) return { verdict: "ok", reason, value: latencyP99Ms, pointers };
    return {
      verdict: "violated",
      reason: `${reason}, more than ${latencyP99MsMax} ms`,
      value: latencyP99Ms,
      detail: { kind: "threshold", value: latencyP99Ms, limit: latencyP99MsMax, unit: "ms" },
      pointers,
    };
  },
  left: nodeLeft,
};

export const invariants: Invariant<State>[] = [
  nodeDown,
  redisDown,
  redisDisconnected,
  highLatency,
  ghostAllowing,
  overAdmission,
  counterDrift,
  limitDiffers,
];

function judgeProbe(reading: ProbeReading | undefined, target: string, atMs: number): Judgement {
  if (!reading) return { verdict: "unknown", reason: `${target} was never probed` };
  const pointers = [toPointer(["parts", "probe", target, "state"]), toPointer(["parts", "probe", target, "sinceMs"])];
  const { state: value, code } = reading;
  if (value === "up") return { verdict: "ok", reason: `${target} answers`, value, pointers };
  const silentMs = Math.max(0, atMs - (reading.lastAnswerAtMs ?? reading.sinceMs));
  const how = value === "refused" ? `refuses connections${code === undefined ? "" : ` (${code})`}` : "doesn't answer";
  return {
    verdict: "violated",
    reason: `${target} ${how}; last answer ${(silentMs / 1_000).toFixed(1)} s ago`,
    value,
    detail: { kind: "unreachable", how: value, silentMs },
    pointers,
  };
}

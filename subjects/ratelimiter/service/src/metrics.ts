import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Decision } from "./decide.ts";

export type Metrics = ReturnType<typeof createMetrics>;

/** What a node tells of itself; every line carries the label `node`. */
export function createMetrics(node: string, now: { connected: () => boolean; limitsVersion: () => number }) {
  const registry = new Registry();
  registry.setDefaultLabels({ node });
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "ratelimiter_" });

  const decisions = new Counter({
    name: "ratelimiter_decisions_total",
    help: "Decisions by outcome and by who made them: redis (exact), or the failure policy while Redis can't.",
    labelNames: ["outcome", "source"],
    registers,
  });
  // Made now, so that each is there with 0 from the first scrape on and a rate has something to begin with.
  const made = {
    allowed: decisions.labels("allowed", "redis"),
    denied: decisions.labels("denied", "redis"),
    failedOpen: decisions.labels("allowed", "fail_open"),
    failedClosed: decisions.labels("error", "fail_closed"),
  };
  for (const child of Object.values(made)) child.inc(0);

  const decisionSeconds = new Histogram({
    name: "ratelimiter_decision_duration_seconds",
    help: "From a request's arrival to its answer.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const roundTripSeconds = new Histogram({
    name: "ratelimiter_redis_roundtrip_seconds",
    help: "How long Redis took for the commands that it answered.",
    buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
    registers,
  });
  const memoryDenials = new Counter({
    name: "ratelimiter_denied_from_memory_total",
    help: "Denials of Redis that were repeated from memory, without asking it again.",
    registers,
  });
  const connected: Gauge = new Gauge({
    name: "ratelimiter_redis_connected",
    help: "1 while commands succeed, probes included; 0 after some failures in a row.",
    registers,
    collect: () => connected.set(now.connected() ? 1 : 0),
  });
  const limitsVersion: Gauge = new Gauge({
    name: "ratelimiter_limits_version",
    help: "The version of the stored limits that this node applies.",
    registers,
    collect: () => limitsVersion.set(now.limitsVersion()),
  });

  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    decided: (decision: Decision) => {
      if (decision.by === "redis") (decision.allowed ? made.allowed : made.denied).inc();
      else (decision.allowed ? made.failedOpen : made.failedClosed).inc();
    },
    deniedFromMemory: () => memoryDenials.inc(),
    tookMs: (durationMs: number) => decisionSeconds.observe(durationMs / 1_000),
    roundTripMs: (durationMs: number) => roundTripSeconds.observe(durationMs / 1_000),
  };
}

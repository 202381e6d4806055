import { performance } from "node:perf_hooks";
import type { FastifyInstance } from "fastify";
import type { Breaker } from "./breaker.ts";
import type { Metrics } from "./metrics.ts";

export type HealthFacts = {
  nodeId: string;
  version: string;
  silenceMaxMs: number;
  link: () => Breaker;
  limitsVersion: () => number;
  isDraining: () => boolean;
};

/** GET /livez (the process runs), /healthz (it decides by Redis), /metrics. */
export function healthRoutes(app: FastifyInstance, facts: HealthFacts, metrics: Metrics): void {
  app.get("/livez", async () => ({ status: "alive", nodeId: facts.nodeId }));
  app.get("/healthz", async (_request, reply) => {
    const health = assessHealth(facts.link(), facts.isDraining(), facts.silenceMaxMs, performance.now());
    const body = { ...health, nodeId: facts.nodeId, version: facts.version, limitsVersion: facts.limitsVersion() };
    return reply.code(health.status === "ok" ? 200 : 503).send(body);
  });
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}

/** Connected means that a command succeeded lately; an open socket proves nothing about a paused Redis. */
export function assessHealth(link: Breaker, draining: boolean, silenceMaxMs: number, nowMs: number) {
  const silentMs = link.lastSuccessAtMs === undefined ? undefined : Math.round(nowMs - link.lastSuccessAtMs);
  const heard = silentMs !== undefined && silentMs <= silenceMaxMs;
  if (!link.connected || !heard) {
    const reason = link.reason || `no command has succeeded for ${silentMs} ms, ${silenceMaxMs} ms is the most`;
    return { status: "degraded", redis: "disconnected", reason, silentMs: silentMs ?? null } as const;
  }
  const redis = { redis: "connected", silentMs, roundTripMs: link.roundTripMs ?? null } as const;
  if (draining) return { status: "draining", ...redis, reason: "the node was asked to stop" } as const;
  return { status: "ok", ...redis } as const;
}

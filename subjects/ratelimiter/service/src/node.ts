import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { z } from "zod";
import { createAccount } from "./account.ts";
import { accountRoute } from "./account-route.ts";
import { createApp } from "./app.ts";
import { checkRoute } from "./check.ts";
import type { Config } from "./config.ts";
import { createDecider } from "./decide.ts";
import { createDenials } from "./denials.ts";
import { healthRoutes } from "./health.ts";
import { createLimits } from "./limits.ts";
import { createLink } from "./link.ts";
import { manageRoutes } from "./manage.ts";
import { createMetrics } from "./metrics.ts";
import { connectRedis } from "./redis.ts";
import { createRegistry } from "./registry.ts";
import { inRhythm } from "./rhythm.ts";

/** Denials remembered at a time: some megabytes at most. */
const denialsMax = 10_000;
/** 8 bytes for each hit: some megabytes at most. */
const accountBounds = { keysMax: 10_000, hitsMax: 500_000, hitsPerKeyMax: 20_000 };

/**
 * Starts a node of the limiter: it answers whether or not Redis is there, and joins the others when it is.
 * `stop` drains, leaves the registry, closes in reverse order; each step is bounded, all take under 5 s.
 */
export async function startNode(
  config: Config,
  log: Logger,
  /** Called when the management API is told to drain this node: `stop` and end the process. */
  onDrain: () => void,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const nodeId = config.RATELIMITER_NODE_ID;
  const version = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))).version;
  let url = "";

  const redis = connectRedis(config.RATELIMITER_REDIS_URL, nodeId);
  const metrics = createMetrics(nodeId, {
    connected: () => link.state().connected,
    limitsVersion: () => limits.all().version,
  });
  const link = createLink(redis, {
    nodeId,
    commandTimeoutMs: config.RATELIMITER_COMMAND_TIMEOUT_MS,
    failuresMax: config.RATELIMITER_BREAKER_FAILURES,
    onChange: (connected, reason) => {
      if (connected) log.info("Redis answers: decisions are exact");
      else
        log.error(
          { reason, policy: config.RATELIMITER_FAILURE_POLICY },
          "Redis doesn't answer: the failure policy decides",
        );
    },
    onRoundTrip: metrics.roundTripMs,
  });
  const denials = createDenials(config.RATELIMITER_DENY_CACHE_MS, denialsMax);
  const fallback = { limit: config.RATELIMITER_DEFAULT_LIMIT, windowMs: config.RATELIMITER_DEFAULT_WINDOW_MS };
  const limits = createLimits(redis, link, fallback, ({ version, limits, unreadable }) => {
    denials.clear();
    log.info({ version, limits: limits.size }, "limits read");
    if (unreadable.length > 0)
      log.error({ unreadable }, "stored limits can't be read, so their keys have the default: PUT them again");
  });
  const registry = createRegistry(redis, link, {
    id: nodeId,
    instance: randomUUID(),
    url: () => url,
    version,
    ttlMs: config.RATELIMITER_NODE_TTL_MS,
    limitsVersion: () => limits.all().version,
  });
  const account = createAccount(accountBounds);
  const decide = createDecider(redis, link, denials, account, {
    nodeId,
    failurePolicy: config.RATELIMITER_FAILURE_POLICY,
    onMemory: metrics.deniedFromMemory,
  });

  const app = createApp(log);
  checkRoute(app, limits, decide, {
    decided: metrics.decided,
    tookMs: metrics.tookMs,
    isDraining: registry.isDraining,
  });
  accountRoute(app, limits, account, { id: nodeId, isConnected: () => link.state().connected });
  await app.register(
    async (scope) =>
      manageRoutes(scope, config.RATELIMITER_MANAGEMENT_TOKEN, { redis, link, limits, denials, log }, onDrain),
    { prefix: "/v1/manage" },
  );
  healthRoutes(
    app,
    {
      nodeId,
      version,
      silenceMaxMs: 2 * config.RATELIMITER_HEARTBEAT_MS,
      link: link.state,
      limitsVersion: () => limits.all().version,
      isDraining: registry.isDraining,
    },
    metrics,
  );
  await app.listen({ host: config.RATELIMITER_HOST, port: config.RATELIMITER_PORT });
  url = config.RATELIMITER_ADVERTISE_URL ?? urlOf(config.RATELIMITER_HOST, app.server.address());

  const missed = (what: string) => (error: unknown) =>
    log.debug({ err: error }, `${what} failed; the next turn tries again`);
  const probing = inRhythm(config.RATELIMITER_PROBE_MS, link.probe, missed("a probe"));
  const refreshing = inRhythm(config.RATELIMITER_LIMITS_REFRESH_MS, limits.refresh, missed("reading the limits"));
  const beating = inRhythm(config.RATELIMITER_HEARTBEAT_MS, registry.heartbeat, missed("a heartbeat"));
  link.whenConnected(() => account.connected());
  link.whenConnected(refreshing.now);
  link.whenConnected(beating.now);

  return {
    url,
    async stop() {
      const failed = (what: string) => (error: unknown) => log.warn({ err: error }, `${what} failed while stopping`);
      await registry.drain().catch(failed("telling that this node drains"));
      await new Promise((resolve) => setTimeout(resolve, config.RATELIMITER_DRAIN_MS));
      await app.close().catch(failed("closing the server"));
      await refreshing.stop();
      // Not earlier, or a long drain would look like a death.
      await beating.stop();
      await registry.leave().catch(failed("leaving the registry, so this node will be missed,"));
      await probing.stop();
      redis.disconnect();
    },
  };
}

function urlOf(host: string, address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string")
    throw new Error(`the server listens on ${address}, which is no TCP port`);
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}

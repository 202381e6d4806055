import type { Observation } from "@operator/subject/observation";
import type { ProbeTarget } from "@operator/subject/probe";
import { httpAsker } from "@operator/subject/probe-http";
import { redisAsker } from "@operator/subject/probe-redis";
import { countersSource } from "./observe-counters.ts";
import { limitsSource, WatchedKeys } from "./observe-limits.ts";
import { logsOf } from "./observe-logs.ts";
import { metricsSource } from "./observe-metrics.ts";
import { KnownNodes } from "./observe-nodes.ts";
import { connectRedis } from "./observe-link.ts";
import { redisSource } from "./observe-redis.ts";
import { registrySource } from "./observe-registry.ts";
import { readSettings } from "./settings.ts";

/** How the rate limiter is observed: each node and Redis probed, the register, Redis' own figures, each node's metrics, the limits and the counters read, logs when asked for. */
export function observe(environment: Record<string, string | undefined>): Promise<Observation> {
  const settings = readSettings(environment);
  const nodes = new KnownNodes(settings.RATELIMITER_NODES);
  const redis = connectRedis(settings.RATELIMITER_REDIS_URL);
  const metrics = metricsSource(nodes);
  const watched = new WatchedKeys(settings.RATELIMITER_LIMITS);
  const counters = countersSource(redis, nodes, watched);
  const redisTarget = probeRedis(settings.RATELIMITER_REDIS_URL);
  return Promise.resolve({
    sources: [registrySource(redis, nodes), redisSource(redis), metrics, limitsSource(redis, watched), counters],
    probeTargets: () => [redisTarget, ...[...nodes.watched()].map(([id, url]) => probeNode(id, url))],
    logs: logsOf(settings.RATELIMITER_LOGS),
    close: async () => {
      redis.close();
      await metrics.close();
      await counters.close();
    },
  });
}

function probeNode(id: string, url: string): ProbeTarget {
  const address = `${url}/livez`;
  return { target: id, address, open: () => httpAsker(address) };
}

function probeRedis(url: string): ProbeTarget {
  const { hostname, port } = new URL(url);
  const address = { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || "6379") };
  return {
    target: "redis",
    // Without user and password: the address is shown.
    address: `${hostname}:${address.port}`,
    open: () => redisAsker(address.host, address.port),
  };
}

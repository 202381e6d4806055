import type { Source } from "@operator/subject/observation";
import { z } from "zod";
import type { RedisLink } from "./observe-link.ts";
import type { RedisReading } from "./state.ts";

/** What Redis says of itself: sections that cost the same however many keys there are. */
export function redisSource(redis: RedisLink): Source {
  return {
    name: "redis",
    rhythmMs: 1_000,
    timeoutMs: 900,
    targets: () => ["redis"],
    read: async () => {
      const sections = ["server", "clients", "memory", "stats", "replication", "persistence"];
      return { redis: { value: redisReadingOf(z.string().parse(await redis.call("INFO", ...sections))) } };
    },
  };
}

export function redisReadingOf(info: string): RedisReading {
  const fields = new Map(
    info.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
  const count = (name: string) => {
    const text = fields.get(name);
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const reading = {
    role: fields.get("role"),
    runId: fields.get("run_id"),
    uptimeS: count("uptime_in_seconds"),
    loading: fields.has("loading") ? fields.get("loading") !== "0" : undefined,
    connectedClients: count("connected_clients"),
    usedMemoryBytes: count("used_memory"),
    memoryMaxBytes: count("maxmemory"),
    evictedKeys: count("evicted_keys"),
    operationsPerS: count("instantaneous_ops_per_sec"),
  };
  return Object.fromEntries(Object.entries(reading).filter(([, value]) => value !== undefined));
}

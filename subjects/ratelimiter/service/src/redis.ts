import { readFileSync } from "node:fs";
import { Redis, type Result } from "ioredis";

declare module "ioredis" {
  // The names given to defineCommand below; the replies are parsed by their callers.
  interface RedisCommander<Context> {
    check(key: string, limit: number, windowMs: number, cost: number, member: string): Result<unknown, Context>;
    resetCounter(counter: string, reset: string, rememberedMs: number): Result<unknown, Context>;
    renew(...keysAndValues: (string | number)[]): Result<unknown, Context>;
    leave(...keysAndValues: (string | number)[]): Result<unknown, Context>;
    storeLimit(...keysAndValues: (string | number)[]): Result<unknown, Context>;
    restoreLimits(...keysAndValues: (string | number)[]): Result<unknown, Context>;
  }
}

/**
 * A client of Redis that never makes anybody wait: what can't be sent now fails now (no queue, no resending), and
 * it tries to connect again at least every half second. A script that Redis forgot is sent again by ioredis.
 */
export function connectRedis(url: string, name: string): Redis {
  const redis = new Redis(url, {
    connectionName: `ratelimiter-${name}`,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    // A connection that was cut without a word is given up after a second, not after TCP's quarter of an hour.
    socketTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  for (const [command, file, numberOfKeys] of scripts) redis.defineCommand(command, { lua: read(file), numberOfKeys });
  return redis;
}

const scripts = [
  ["check", "check.lua", 1],
  ["resetCounter", "reset.lua", 2],
  ["renew", "renew.lua", 3],
  ["leave", "leave.lua", 3],
  ["storeLimit", "store-limit.lua", 2],
  ["restoreLimits", "restore-limits.lua", 2],
] as const;

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), "utf8");
}

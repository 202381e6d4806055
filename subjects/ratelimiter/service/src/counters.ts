import type { Redis } from "ioredis";
import { z } from "zod";
import { keys } from "./keys.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";

/** As long as the longest window: for so long hits may be missed that were forgotten on purpose. */
const resetRememberedMs = 86_400_000;

/** One counter now: hits in its window, whether or not the log was pruned since they left. */
export type Counter = { key: string; count: number; limit: number; windowMs: number; remaining: number; ttlMs: number };

/**
 * One page of the counters whose key begins with `prefix`: at most some hundred keys of Redis are looked at for
 * each page, so a page may be empty and not the last. `cursor` leads to the next page, null ends.
 */
export async function listCounters(redis: Redis, link: Link, limits: Limits, page: { prefix: string; cursor: string }) {
  const pattern = `${keys.counterPrefix}${escapeGlob(page.prefix)}*`;
  const [cursor, names] = await link.run(() => redis.scan(page.cursor, "MATCH", pattern, "COUNT", 200, "TYPE", "zset"));
  const found = await readCounters(
    redis,
    link,
    limits,
    names.map((name) => name.slice(keys.counterPrefix.length)),
  );
  return { counters: found.sort((a, b) => a.key.localeCompare(b.key)), cursor: cursor === "0" ? null : cursor };
}

export async function readCounters(redis: Redis, link: Link, limits: Limits, wanted: string[]): Promise<Counter[]> {
  if (wanted.length === 0) return [];
  const [seconds, microseconds] = (await link.run(() => redis.time())).map(Number);
  const nowUs = (seconds ?? 0) * 1_000_000 + (microseconds ?? 0);
  const pipeline = redis.pipeline();
  for (const key of wanted) {
    const { windowMs } = limits.of(key);
    pipeline.zcount(keys.counter(key), `(${nowUs - windowMs * 1_000}`, "+inf").pttl(keys.counter(key));
  }
  const replies = z.array(z.tuple([z.null(), z.int()])).parse(await link.run(() => pipeline.exec()));
  return wanted.map((key, at) => {
    const { limit, windowMs } = limits.of(key);
    const count = replies[2 * at]?.[1] ?? 0;
    const ttlMs = replies[2 * at + 1]?.[1] ?? 0;
    return { key, count, limit, windowMs, remaining: Math.max(limit - count, 0), ttlMs };
  });
}

/** Forgets a counter; returns how many hits it had. */
export async function resetCounter(redis: Redis, link: Link, key: string): Promise<number> {
  const reply = await link.run(() => redis.resetCounter(keys.counter(key), keys.reset(key), resetRememberedMs));
  return z.int().parse(reply);
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, String.raw`\$&`);
}

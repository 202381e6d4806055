import { Json } from "@operator/contracts/json";
import type { Fault } from "@operator/subject/fault";
import { z } from "zod";
import { restoreLimit, storedLimit, StoredLimit } from "./action-update-limit.ts";
import { exampleKeysOf } from "./fault-members.ts";
import { keyOfTarget } from "./key-target.ts";
import { manage, nodeUrls } from "./management.ts";
import { connectRedis } from "./observe-link.ts";
import { readSettings } from "./settings.ts";

const Parameters = z.strictObject({
  limit: z.int().min(1).max(10_000).default(2_000),
  windowMs: z.int().min(100).max(600_000).default(10_000),
});

/** What was stored before the fault, in Redis itself: whoever reverts it needs nothing of who made it. */
const noteOf = (key: string) => `ratelimiter-chaos:limit:${key}`;
const noteKeptMs = 86_400_000;
const Note = z.object({ stored: StoredLimit.nullable() });

function keyOf(target: string): string {
  const key = keyOfTarget(target);
  if (key === undefined) throw new Error(`"${target}" is no key: it's about targets like key-load-0`);
  return key;
}

async function withRedis<Result>(
  environment: Record<string, string | undefined>,
  work: (redis: ReturnType<typeof connectRedis>) => Promise<Result>,
): Promise<Result> {
  const redis = connectRedis(readSettings(environment).RATELIMITER_REDIS_URL);
  try {
    return await work(redis);
  } finally {
    redis.close();
  }
}

/** Another limit than the declared one is stored for a key, too high or too low, as by a slip of the hand. */
export const wrongLimit: Fault = {
  name: "wrong_limit",
  title: "A wrong limit is stored for a key",
  cause: "misconfigured",
  targets: exampleKeysOf,
  ttlMs: { default: 120_000, max: 600_000 },
  breaks: () => undefined,
  by: "api",
  parameters: Parameters,
  inject: async ({ target, parameters }, { environment }, signal) => {
    const key = keyOf(target);
    const urls = nodeUrls(environment);
    const stored = await storedLimit(environment, urls.values(), key, signal);
    const note = JSON.stringify({ stored });
    await withRedis(environment, (redis) => redis.call("SET", noteOf(key), note, "NX", "PX", String(noteKeptMs)));
    const body = Parameters.parse(parameters);
    const asked = { method: "PUT" as const, path: `limits/${encodeURIComponent(key)}`, body };
    await manage(environment, urls.values(), asked, z.unknown(), signal);
    return { undo: Json.parse({ stored }) };
  },
  revert: async ({ target }, { environment }, signal) => {
    const key = keyOf(target);
    await withRedis(environment, async (redis) => {
      const note = z
        .string()
        .nullable()
        .parse(await redis.call("GET", noteOf(key)));
      // No note: it was taken back already, or never begun.
      if (note === null) return;
      const { stored } = Note.parse(JSON.parse(note));
      await restoreLimit(environment, nodeUrls(environment).values(), key, stored, signal);
      await redis.call("DEL", noteOf(key));
    });
  },
  proof: async ({ target, parameters }, { environment }, signal) => {
    const { limit, windowMs } = Parameters.parse(parameters);
    const stored = await storedLimit(environment, nodeUrls(environment).values(), keyOf(target), signal);
    if (stored?.limit !== limit || stored.windowMs !== windowMs) return undefined;
    return `${limit} in ${windowMs} ms is stored for ${target}`;
  },
};

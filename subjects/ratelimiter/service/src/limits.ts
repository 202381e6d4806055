import type { Redis } from "ioredis";
import { z } from "zod";
import { keys } from "./keys.ts";
import type { Link } from "./link.ts";

export const limitMax = 10_000;
export const limitsMax = 10_000;
export const keyLengthMax = 256;

/** What a counter is asked for. Lone surrogates are refused: in Redis they'd all be the same key. */
export const Key = z
  .string()
  .min(1)
  .max(keyLengthMax)
  .refine((key) => key.isWellFormed(), { error: "must be well-formed Unicode" });

/**
 * At most `limit` admitted in any `windowMs`. The cap of 10,000 bounds what one key costs in Redis (1.3 MB).
 * `failurePolicy` is what to do while Redis can't decide; without it the node's own applies.
 */
export const Limit = z.strictObject({
  limit: z.int().min(1).max(limitMax),
  windowMs: z.int().min(100).max(86_400_000),
  failurePolicy: z.enum(["open", "closed"]).exactOptional(),
});
export type Limit = z.infer<typeof Limit>;

type Stored = { version: number; limits: Map<string, Limit>; unreadable: string[] };

/**
 * The limits by key, as stored in Redis and remembered here, so that a decision needs no extra round trip and a
 * node without Redis still knows them. A version tells in one small read whether they changed.
 */
export function createLimits(redis: Redis, link: Link, fallback: Limit, onChange: (stored: Stored) => void) {
  let known: Stored = { version: 0, limits: new Map(), unreadable: [] };
  let everRead = false;

  async function refresh(): Promise<void> {
    const version = Number((await link.run(() => redis.get(keys.limitsVersion))) ?? 0);
    if (version === known.version && everRead) return;
    if (version === 0 && known.limits.size > 0) await restore();
    known = await read();
    everRead = true;
    onChange(known);
  }

  async function read(): Promise<Stored> {
    const replies = await link.run(() =>
      redis.multi().get(keys.limitsVersion).hkeys(keys.limits).hvals(keys.limits).exec(),
    );
    const [[, version], [, names], [, texts]] = StoredReply.parse(replies);
    const stored: Stored = { version: Number(version ?? 0), limits: new Map(), unreadable: [] };
    // Keys and values apart, because in an object a key named __proto__ would be lost.
    for (const [at, key] of names.entries()) {
      const limit = readLimit(texts[at] ?? "");
      if (limit) stored.limits.set(key, limit);
      else stored.unreadable.push(key);
    }
    return stored;
  }

  /** Redis lost its data: a limit is configuration and must outlive that. */
  async function restore(): Promise<void> {
    const entries = [...known.limits].flatMap(([key, limit]) => [key, JSON.stringify(limit)]);
    await link.run(() => redis.restoreLimits(keys.limits, keys.limitsVersion, known.version, ...entries));
  }

  async function change(key: string, limit: Limit | undefined): Promise<number> {
    // First what Redis may have lost: else the version would begin again at one that other nodes know already.
    await refresh();
    const text = limit ? JSON.stringify(limit) : "";
    const reply = await link.run(() => redis.storeLimit(keys.limits, keys.limitsVersion, key, text, limitsMax));
    const version = z.int().parse(reply);
    if (version > 0) await refresh();
    return version;
  }

  return {
    refresh,
    /** A node that has never read them would apply its default to a key that has a limit of its own. */
    everRead: () => everRead,
    of: (key: string): Limit => known.limits.get(key) ?? fallback,
    all: () => ({ ...known, fallback }),
    /** Returns the new version, or 0 when there are already too many. */
    store: (key: string, limit: Limit) => change(key, limit),
    /** Returns the new version, or -1 when there was none. */
    remove: (key: string) => change(key, undefined),
  };
}
export type Limits = ReturnType<typeof createLimits>;

const StoredReply = z.tuple([
  z.tuple([z.null(), z.string().nullable()]),
  z.tuple([z.null(), z.array(z.string())]),
  z.tuple([z.null(), z.array(z.string())]),
]);

function readLimit(text: string): Limit | undefined {
  try {
    return Limit.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

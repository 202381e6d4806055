import type { Source } from "@operator/subject/observation";
import { z } from "zod";
import { targetOfKey } from "./key-target.ts";
import type { RedisLink } from "./observe-link.ts";

/** Keys whose counters are watched: a reading each, every second. */
const watchedMax = 32;
/** The limiter stores no more. */
const storedMax = 10_000;

/** Only the version, while it's the one that is known; all that is stored, in one step, when it isn't. */
const readLimits = `
local version = redis.call('GET', KEYS[2]) or '0'
if version == ARGV[1] then return { version } end
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[2]) then
  return redis.error_reply('TOOLARGE more than ' .. ARGV[2] .. ' limits are stored')
end
return { version, redis.call('HKEYS', KEYS[1]), redis.call('HVALS', KEYS[1]) }
`;

const Reply = z.union([
  z.tuple([z.coerce.number()]),
  z.tuple([z.coerce.number(), z.array(z.string()), z.array(z.string())]),
]);

export interface KeyLimit {
  limit: number;
  windowMs: number;
}
const StoredLimit = z.object({ limit: z.int().positive(), windowMs: z.int().positive() });

/** A key to watch, and what has to hold for it: declared by a person, else stored. */
export interface WatchedKey {
  key: string;
  target: string;
  declared?: KeyLimit;
  stored?: KeyLimit;
  /** Since when this limit has been the stored one as far as we saw; by our monotonic clock. */
  storedSinceMs?: number;
}

/** Which keys are watched: the declared ones always, of the stored ones as many as there's room for, in their order. */
export class WatchedKeys {
  readonly #declared: ReadonlyMap<string, KeyLimit>;
  #stored = new Map<string, KeyLimit & { sinceMs: number }>();
  #watched: WatchedKey[] = [];
  readonly #gone = new Set<string>();

  constructor(declared: ReadonlyMap<string, KeyLimit>) {
    this.#declared = declared;
    this.#choose();
  }

  /** Takes in all that is stored now. */
  learn(stored: ReadonlyMap<string, KeyLimit>, atMs: number): void {
    this.#stored = new Map(
      [...stored].map(([key, limit]) => {
        const known = this.#stored.get(key);
        const isSame = known?.limit === limit.limit && known.windowMs === limit.windowMs;
        return [key, { ...limit, sinceMs: isSame ? known.sinceMs : atMs }];
      }),
    );
    this.#choose();
  }

  list(): readonly WatchedKey[] {
    return this.#watched;
  }

  /** Targets that were watched and aren't any more. */
  gone(): string[] {
    return [...this.#gone];
  }

  #choose(): void {
    const before = this.#watched;
    const room = Math.max(0, watchedMax - this.#declared.size);
    const others = [...this.#stored.keys()].filter((key) => !this.#declared.has(key)).toSorted();
    this.#watched = [...this.#declared.keys(), ...others.filter((key) => targetOfKey(key)).slice(0, room)].flatMap(
      (key) => {
        const target = targetOfKey(key);
        const declared = this.#declared.get(key);
        const stored = this.#stored.get(key);
        if (target === undefined) return [];
        return {
          key,
          target,
          ...(declared && { declared }),
          ...(stored && {
            stored: { limit: stored.limit, windowMs: stored.windowMs },
            storedSinceMs: stored.sinceMs,
          }),
        };
      },
    );
    for (const { target } of before) this.#gone.add(target);
    for (const { target } of this.#watched) this.#gone.delete(target);
  }
}

/** The stored limits. What they say is taken in by `watched`. */
export function limitsSource(redis: RedisLink, watched: WatchedKeys): Source {
  let version = "";
  let stored = 0;
  return {
    name: "limits",
    rhythmMs: 1_000,
    timeoutMs: 900,
    targets: () => ["cluster"],
    read: async () => {
      const places = ["ratelimiter:limits", "ratelimiter:limits:version"];
      const reply = Reply.parse(await redis.call("EVAL_RO", readLimits, "2", ...places, version, String(storedMax)));
      const [now, keys, values] = reply;
      if (keys && values) {
        watched.learn(limitsOf(keys, values), performance.now());
        stored = keys.length;
        version = String(now);
      }
      return { cluster: { value: { version: now, stored, watched: watched.list().map(({ key }) => key) } } };
    },
  };
}

/** By key; what can't be read is the nodes' default there too. */
function limitsOf(keys: string[], values: string[]): Map<string, KeyLimit> {
  return new Map(
    keys.flatMap((key, at) => {
      const limit = StoredLimit.safeParse(parsed(values[at] ?? "")).data;
      return limit ? [[key, limit] as const] : [];
    }),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

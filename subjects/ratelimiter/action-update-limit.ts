import { defineAction } from "@operator/subject/action";
import { z } from "zod";
import { needsANode, preferred } from "./action-nodes.ts";
import { targetOfKey } from "./key-target.ts";
import { manage, nodeUrls } from "./management.ts";
import type { State } from "./state.ts";

/** A new limit may be so many times the old one, or so small a part of it; a declared limit may be restored from anywhere. */
const timesMax = 2;

const Parameters = z.strictObject({
  key: z.string().min(1).max(256),
  limit: z.int().min(1).max(10_000),
  // A longer window is full for longer than anybody waits to see that it helped.
  windowMs: z.int().min(100).max(600_000),
});

/** A limit as the limiter stores it. */
export const StoredLimit = z.object({
  limit: z.int(),
  windowMs: z.int(),
  failurePolicy: z.enum(["open", "closed"]).exactOptional(),
});
const Limits = z.object({ limits: z.array(StoredLimit.extend({ key: z.string() })) });
const Before = z.object({ stored: StoredLimit.nullable() });

/** Stores a limit for one key. */
export const updateLimit = defineAction<State, typeof Parameters>({
  name: "update_limit",
  title: "Store another limit for one key",
  about:
    "Stores the limit and the window of one key; all nodes apply it within a second. Right when a wrong limit is stored: give back the declared one. Else at most double or half of what applies. Undone by storing what was stored before, or by deleting it. Risk medium: too low a limit turns its callers away, too high a one protects nothing.",
  parameters: Parameters,
  risk: "medium",
  targets: ({ counters }) => Object.keys(counters ?? {}),
  executeWithinMs: 10_000,
  verifyWithinMs: 700_000,
  coolDownMs: 300_000,
  takesOut: false,
  needs: (target) => [{ source: "counters", target }],
  guard: ({ state, target, parameters: { key, limit, windowMs } }) => {
    const reading = state.counters?.[target];
    if (targetOfKey(key) !== target || !reading) {
      const message = `${target} isn't the watched key ${JSON.stringify(key)}: watched are ${Object.keys(state.counters ?? {}).join(", ") || "none"}`;
      return { code: "KEY_UNWATCHED", message };
    }
    const { applied, stored, declared } = reading;
    const isSame = (one: { limit: number; windowMs: number }) => one.limit === limit && one.windowMs === windowMs;
    if (applied.length > 0 && applied.every(isSame) && (!stored || isSame(stored))) {
      const message = `${limit} in ${windowMs} ms is what the nodes apply to ${JSON.stringify(key)} already`;
      return { code: "LIMIT_IN_FORCE", message };
    }
    if (declared && isSame(declared)) return needsANode(state);
    // Per second, as a window may change too.
    const asked = limit / windowMs;
    const tooFar = applied.find((one) => {
      const times = asked / (one.limit / one.windowMs);
      return times > timesMax || times < 1 / timesMax;
    });
    if (applied.length === 0 || tooFar) {
      const now = tooFar ? `${tooFar.limit} in ${tooFar.windowMs} ms` : "not known";
      const message = `${limit} in ${windowMs} ms isn't the declared limit, and what applies to ${JSON.stringify(key)} is ${now}: at most ${timesMax} times as much or as little`;
      return { code: "LIMIT_TOO_FAR", message };
    }
    return needsANode(state);
  },
  isDone: ({ state, target, parameters }) => {
    const reading = state.counters?.[target];
    if (!reading) return undefined;
    return reading.stored?.limit === parameters.limit && reading.stored.windowMs === parameters.windowMs;
  },
  execute: async ({ state, parameters: { key, limit, windowMs }, keep }, { environment }, signal) => {
    const urls = preferred(nodeUrls(environment, state), state);
    const stored = await storedLimit(environment, urls, key, signal);
    await keep({ stored });
    // What to do without Redis isn't what this is about: it stays.
    const policy = stored?.failurePolicy && { failurePolicy: stored.failurePolicy };
    await manage(
      environment,
      urls,
      { method: "PUT", path: `limits/${encodeURIComponent(key)}`, body: { limit, windowMs, ...policy } },
      z.object({ version: z.int() }),
      signal,
    );
    const was = stored ? `${stored.limit} in ${stored.windowMs} ms was` : "nothing was";
    return { effect: `${limit} in ${windowMs} ms is stored for ${JSON.stringify(key)}; ${was} before` };
  },
  undo: async ({ parameters: { key }, before }, { environment }, signal) => {
    const { stored } = Before.parse(before);
    await restoreLimit(environment, nodeUrls(environment).values(), key, stored, signal);
    return stored
      ? `${stored.limit} in ${stored.windowMs} ms is stored for ${JSON.stringify(key)} again`
      : `no limit is stored for ${JSON.stringify(key)} any more`;
  },
});

export type StoredLimit = z.infer<typeof StoredLimit>;
type Environment = Record<string, string | undefined>;

/** What is stored for a key; null when nothing is. */
export async function storedLimit(
  environment: Environment,
  urls: Iterable<string>,
  key: string,
  signal: AbortSignal,
): Promise<StoredLimit | null> {
  const { limits } = await manage(environment, urls, { method: "GET", path: "limits" }, Limits, signal);
  const found = limits.find((one) => one.key === key);
  return found ? StoredLimit.parse(found) : null;
}

/** Stores it again, or deletes what is stored where nothing was. Doing so twice does no harm. */
export async function restoreLimit(
  environment: Environment,
  urls: Iterable<string>,
  key: string,
  stored: StoredLimit | null,
  signal: AbortSignal,
): Promise<void> {
  const path = `limits/${encodeURIComponent(key)}`;
  const asked = stored
    ? ({ method: "PUT", path, body: stored } as const)
    : ({ method: "DELETE", path, expects: ["limit_unknown"] } as const);
  await manage(environment, urls, asked, z.unknown(), signal);
}

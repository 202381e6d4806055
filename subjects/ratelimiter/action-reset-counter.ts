import { defineAction } from "@operator/subject/action";
import { z } from "zod";
import { needsANode, preferred } from "./action-nodes.ts";
import { driftOf } from "./counters.ts";
import { targetOfKey } from "./key-target.ts";
import { manage, nodeUrls } from "./management.ts";
import type { State } from "./state.ts";

const Parameters = z.strictObject({ key: z.string().min(1).max(256) });

/** Forgets the hits of one key. */
export const resetCounter = defineAction<State, typeof Parameters>({
  name: "reset_counter",
  title: "Forget the hits that Redis has logged of one key",
  about:
    "Deletes one key's log in Redis, so that its callers have their whole limit again at once. Right when the log holds hits that no node admitted. It can't be undone. Risk low: at most one limit's worth is admitted once more, of this key alone.",
  parameters: Parameters,
  risk: "low",
  targets: ({ counters }) => Object.keys(counters ?? {}),
  executeWithinMs: 10_000,
  verifyWithinMs: 120_000,
  coolDownMs: 300_000,
  takesOut: false,
  needs: (target) => [{ source: "counters", target }],
  guard: ({ state, target, parameters: { key } }) => {
    const reading = state.counters?.[target];
    if (targetOfKey(key) !== target || !reading) {
      const message = `${target} isn't the watched key ${JSON.stringify(key)}: watched are ${Object.keys(state.counters ?? {}).join(", ") || "none"}`;
      return { code: "KEY_UNWATCHED", message };
    }
    const { hits, tolerated, isCertain } = driftOf(reading);
    if (isCertain && hits > 0) return needsANode(state);
    const message = `Redis has ${reading.inRedis} hits of ${key}, nodes admitted ${reading.admitted}: nothing that ${tolerated} hits of tolerance don't cover, or not certain, and a reset would give its callers a limit for nothing`;
    return { code: "COUNTER_HOLDS", message };
  },
  isDone: ({ state, target }) => {
    const reading = state.counters?.[target];
    if (!reading) return undefined;
    const { hits, tolerated } = driftOf(reading);
    return Math.abs(hits) <= tolerated;
  },
  execute: async ({ state, parameters: { key } }, { environment }, signal) => {
    const urls = preferred(nodeUrls(environment, state), state);
    const asked = { method: "POST" as const, path: `counters/${encodeURIComponent(key)}/reset` };
    const { removed } = await manage(environment, urls, asked, z.object({ removed: z.int().nonnegative() }), signal);
    return { effect: `${removed} hits of ${JSON.stringify(key)} are forgotten` };
  },
});

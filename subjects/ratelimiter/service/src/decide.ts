import { performance } from "node:perf_hooks";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { Account } from "./account.ts";
import type { Denials } from "./denials.ts";
import { keys } from "./keys.ts";
import type { Limit } from "./limits.ts";
import type { Link } from "./link.ts";

/** By Redis: exact. By policy: Redis couldn't be asked, for this reason, and somebody had to say something. */
export type Decision =
  | { by: "redis"; allowed: boolean; count: number; remaining: number; retryAfterMs: number }
  | { by: "policy"; allowed: boolean; policy: "open" | "closed"; reason: string };

export type Decider = ReturnType<typeof createDecider>;

/** Decides requests by the script in Redis, from memory what is certainly still denied, else by the failure policy. */
export function createDecider(
  redis: Redis,
  link: Link,
  denials: Denials,
  account: Account,
  settings: { nodeId: string; failurePolicy: "open" | "closed"; onMemory: () => void },
) {
  let sequence = 0;

  return async (key: string, cost: number, limit: Limit): Promise<Decision> => {
    const sentAtMs = performance.now();
    const denial = denials.recall(key, cost, limit.limit, sentAtMs);
    if (denial) {
      settings.onMemory();
      const retryAfterMs = Math.ceil(denial.freeAtMs - sentAtMs);
      return { by: "redis", allowed: false, count: denial.count, remaining: denial.remaining, retryAfterMs };
    }
    // The node's clock is only part of the member's name here, so that a restarted node repeats no name.
    const member = `${Date.now()}:${settings.nodeId}-${(sequence++).toString(36)}`;
    const isAsked = link.state().connected;
    try {
      const reply = await link.run(() => redis.check(keys.counter(key), limit.limit, limit.windowMs, cost, member));
      const { decision, admittedAtUs } = CheckReply.parse(reply);
      if (decision.allowed) account.admitted(key, cost, admittedAtUs, limit.windowMs);
      else denials.remember(key, { ...decision, cost, limit: limit.limit }, sentAtMs);
      return decision;
    } catch (error) {
      if (isAsked) account.unanswered(key, cost, limit.windowMs);
      const policy = limit.failurePolicy ?? settings.failurePolicy;
      const reason = error instanceof Error ? error.message : String(error);
      return { by: "policy", allowed: policy === "open", policy, reason };
    }
  };
}

const CheckReply = z
  .tuple([
    z.literal([0, 1]),
    z.int().nonnegative(),
    z.int().nonnegative(),
    z.int().nonnegative(),
    z.int().nonnegative(),
  ])
  .transform(([allowed, count, remaining, retryAfterMs, admittedAtUs]) => ({
    decision: { by: "redis" as const, allowed: allowed === 1, count, remaining, retryAfterMs },
    admittedAtUs,
  }));

import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Decider, Decision } from "./decide.ts";
import { Key, type Limit, limitMax, type Limits } from "./limits.ts";
import { quoted, Refusal } from "./refusal.ts";

/** A key and what it costs. Limits aren't asked for: they're configured, or anybody could choose their own. */
const CheckBody = z.strictObject({ key: Key, cost: z.int().min(1).max(limitMax).default(1) });

/** How soon to come back when nobody knows: about when the next probe of Redis will have answered. */
const policyRetryAfterMs = 1_000;

/** POST /v1/check: may this key go on? 200 yes, 429 no, 503 Redis can't say and the policy is closed. */
export function checkRoute(
  app: FastifyInstance,
  limits: Limits,
  decide: Decider,
  tell: {
    decided: (decision: Decision, key: string) => void;
    tookMs: (durationMs: number) => void;
    isDraining: () => boolean;
  },
): void {
  app.post(
    "/v1/check",
    { bodyLimit: 8_192, onResponse: async (_request, reply) => tell.tookMs(reply.elapsedTime) },
    async (request, reply) => {
      const body = CheckBody.safeParse(request.body);
      if (!body.success) throw unreadable(request.body, body.error);
      const { key, cost } = body.data;
      // Without Redis this fails at once, and then it's the failure policy's turn anyway.
      if (!limits.everRead()) await limits.refresh().catch(() => undefined);
      const limit = limits.of(key);
      if (cost > limit.limit) {
        throw new Refusal(
          "cost_above_limit",
          `cost ${cost} can never be admitted: the limit of ${quoted(key)} is ${limit.limit}`,
        );
      }
      const decision = await decide(key, cost, limit);
      tell.decided(decision, key);
      // Whoever keeps a connection to a node that is leaving should open the next one elsewhere.
      if (tell.isDraining()) reply.header("connection", "close");
      const answer = answerTo(decision, limit);
      return reply.code(answer.status).headers(answer.headers).send(answer.body);
    },
  );
}

/** What is said about a decision. The reset is in seconds from now: when there's room again, at the latest. */
export function answerTo(decision: Decision, limit: Limit) {
  const headers: Record<string, string | number> = { "x-ratelimit-limit": limit.limit };
  if (decision.by === "redis") {
    const { allowed, count, remaining, retryAfterMs } = decision;
    const resetSeconds = Math.ceil((allowed ? limit.windowMs : retryAfterMs) / 1_000);
    headers["x-ratelimit-remaining"] = remaining;
    headers["x-ratelimit-reset"] = resetSeconds;
    headers["x-ratelimit-status"] = "redis";
    if (!allowed) headers["retry-after"] = resetSeconds;
    return {
      status: allowed ? 200 : 429,
      headers,
      body: { allowed, count, limit: limit.limit, remaining, retryAfterMs },
    };
  }
  headers["x-ratelimit-status"] = "degraded";
  const unknown = { count: null, limit: limit.limit, remaining: null };
  if (decision.allowed) return { status: 200, headers, body: { allowed: true, ...unknown, retryAfterMs: 0 } };
  headers["retry-after"] = policyRetryAfterMs / 1_000;
  const message = `Redis can't decide (${decision.reason}) and the failure policy is closed: ask again in ${policyRetryAfterMs} ms`;
  return {
    status: 503,
    headers,
    body: { code: "redis_unavailable", message, allowed: false, ...unknown, retryAfterMs: policyRetryAfterMs },
  };
}

function unreadable(body: unknown, error: z.ZodError): Refusal {
  return new Refusal(
    "body_invalid",
    `${quoted(body)} is not {"key": text, "cost"?: whole number}: ${z.prettifyError(error)}`,
  );
}

import type { Fault } from "@operator/subject/fault";
import { redisAsker } from "@operator/subject/probe-redis";
import { z } from "zod";
import { ofKind } from "./fault-members.ts";
import { connectRedis } from "./observe-link.ts";
import { readSettings } from "./settings.ts";

const silentMs = 500;

/** Redis takes every command and answers none, as one that hangs. It goes on by itself. */
export const pauseRedis: Fault = {
  name: "pause_redis",
  title: "Redis holds every command until its time is up",
  cause: "hung",
  targets: ofKind("redis"),
  ttlMs: { default: 30_000, max: 300_000 },
  // There is one Redis by design: what a fault of it breaks is known, and is what it's for.
  breaks: () => undefined,
  by: "api",
  parameters: z.strictObject({}),
  inject: async ({ ttlMs }, { environment }) => {
    const redis = connectRedis(readSettings(environment).RATELIMITER_REDIS_URL);
    try {
      await redis.call("CLIENT", "PAUSE", String(ttlMs), "ALL");
      return { undo: null };
    } finally {
      redis.close();
    }
  },
  proof: async (_, { environment }) => {
    const { hostname, port } = new URL(readSettings(environment).RATELIMITER_REDIS_URL);
    const asker = redisAsker(hostname.replace(/^\[(.*)\]$/, "$1"), Number(port || "6379"));
    try {
      const outcome = await asker.ask(silentMs);
      // It takes the connection and says nothing; one that refuses is something else.
      return outcome.kind === "timeout" ? `Redis didn't answer a PING within ${silentMs} ms` : undefined;
    } finally {
      asker.close();
    }
  },
};

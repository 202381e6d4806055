import type { Fault } from "@operator/subject/fault";
import { z } from "zod";
import { exampleKeysOf } from "./fault-members.ts";
import { keyOfTarget } from "./key-target.ts";
import { connectRedis } from "./observe-link.ts";
import { readSettings } from "./settings.ts";

const Parameters = z.strictObject({
  /** How many hits are written: more than the limit, and the key is denied though nobody used it. */
  hits: z.int().min(1).max(1_000).default(40),
});

/** Their names can be told from those of nodes, and are the same each time: so they can be taken back by anybody. */
const forge = `
local time = redis.call('TIME')
local score = string.format('%.0f', time[1] * 1000000 + time[2] + ARGV[2] * 1000)
for hit = 1, tonumber(ARGV[1]) do redis.call('ZADD', KEYS[1], score, 'forged:' .. hit) end
redis.call('PEXPIRE', KEYS[1], ARGV[2] + 3600000)
return redis.call('ZCARD', KEYS[1])
`;
const takeBack = `
for hit = 1, tonumber(ARGV[1]) do redis.call('ZREM', KEYS[1], 'forged:' .. hit) end
return redis.call('ZCARD', KEYS[1])
`;
const count = `
local found = 0
for hit = 1, tonumber(ARGV[1]) do
  if redis.call('ZSCORE', KEYS[1], 'forged:' .. hit) then found = found + 1 end
end
return found
`;

type Given = { target: string; parameters: unknown };

async function run(
  script: string,
  { target, parameters }: Given,
  environment: Record<string, string | undefined>,
  ...more: string[]
) {
  const redis = connectRedis(readSettings(environment).RATELIMITER_REDIS_URL);
  try {
    const { hits } = Parameters.parse(parameters);
    const reply = await redis.call("EVAL", script, "1", `ratelimit:${keyOfTarget(target)}`, String(hits), ...more);
    return { hits, reply: z.int().parse(reply) };
  } finally {
    redis.close();
  }
}

/** Hits of a key that no node admitted, of a time that is yet to come: they stay until they are taken back. */
export const forgeCounters: Fault = {
  name: "forge_counters",
  title: "Hits that nobody made are written into a key's log in Redis",
  cause: "diverged",
  targets: exampleKeysOf,
  ttlMs: { default: 120_000, max: 600_000 },
  breaks: () => undefined,
  by: "api",
  parameters: Parameters,
  inject: async ({ ttlMs, ...given }, { environment }) => {
    await run(forge, given, environment, String(ttlMs));
    return { undo: null };
  },
  revert: async (given, { environment }) => {
    await run(takeBack, given, environment);
  },
  proof: async (given, { environment }) => {
    const { hits, reply } = await run(count, given, environment);
    return reply === hits ? `${hits} hits that no node made are in the log of ${given.target}` : undefined;
  },
};

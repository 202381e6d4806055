import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { z } from "zod";
import { keys } from "./keys.ts";
import type { Link } from "./link.ts";

/** A departure is remembered for a day, so the list of those who left stays bounded. */
const departureRememberedMs = 86_400_000;
const leaveAttemptsMax = 6;
const leavePauseMs = 250;

export type Registry = ReturnType<typeof createRegistry>;

/** The place of this node among the others: joined and renewed by each heartbeat, left on purpose or missed. */
export function createRegistry(
  redis: Redis,
  link: Link,
  node: {
    id: string;
    instance: string;
    url: () => string;
    version: string;
    ttlMs: number;
    limitsVersion: () => number;
  },
) {
  let status: "up" | "draining" | "left" = "up";
  let started: { redisMs: number } | undefined;
  let clockOffsetMs = 0;
  const places = [keys.node(node.id), keys.members, keys.departed];

  async function heartbeat(): Promise<void> {
    // A late one would join again, and the node would then be missed.
    if (status === "left") return;
    const fields = {
      url: node.url(),
      status,
      version: node.version,
      instance: node.instance,
      limitsVersion: node.limitsVersion(),
      redisRoundTripMs: (link.state().roundTripMs ?? 0).toFixed(3),
      clockOffsetMs,
    };
    const startedAtMs = started?.redisMs ?? "";
    const reply = await link.attempt(() =>
      redis.renew(...places, node.id, node.ttlMs, startedAtMs, ...Object.entries(fields).flat()),
    );
    const [redisNowMs, redisStartedMs] = z.tuple([z.int(), z.int()]).parse(reply);
    started = { redisMs: redisStartedMs };
    // How far this machine's clock is ahead of Redis', as of the middle of the round trip.
    clockOffsetMs = Math.round(
      performance.timeOrigin + performance.now() - (link.state().roundTripMs ?? 0) / 2 - redisNowMs,
    );
  }

  return {
    heartbeat,
    drain: async (): Promise<void> => {
      status = "draining";
      await heartbeat();
    },
    isDraining: () => status !== "up",
    /** Tries for about two seconds, because a node that leaves without a word is taken for dead. */
    leave: async (): Promise<void> => {
      status = "left";
      for (let attempt = 1; ; attempt++) {
        try {
          await link.attempt(() => redis.leave(...places, node.id, node.instance, departureRememberedMs));
          return;
        } catch (error) {
          if (attempt === leaveAttemptsMax) throw error;
          await sleep(leavePauseMs);
        }
      }
    },
  };
}

/** A node as the registry shows it; `missing` is a member whose heartbeats stopped without a word. */
export type ListedNode = { id: string; status: "up" | "draining" } & z.infer<typeof NodeHash>;

/** Everybody who is, should be, or lately was here. */
export async function listNodes(redis: Redis, link: Link) {
  const [[seconds, microseconds], ids, departed] = z
    .tuple([
      z.tuple([z.coerce.number(), z.coerce.number()]),
      z.array(z.string()),
      z.record(z.string(), z.coerce.number()),
    ])
    .parse(
      await link.run(() => Promise.all([redis.time(), redis.smembers(keys.members), redis.hgetall(keys.departed)])),
    );
  const hashes = await link.run(() => Promise.all(ids.map((id) => redis.hgetall(keys.node(id)))));
  const nodes = ids.map((id, at) => {
    const hash = NodeHash.safeParse(hashes[at]);
    return hash.success ? { ...hash.data, id } : { id, status: "missing" as const };
  });
  return {
    redisAtMs: seconds * 1_000 + Math.floor(microseconds / 1_000),
    nodes: nodes.sort((a, b) => a.id.localeCompare(b.id)),
    departed: Object.entries(departed).map(([id, departedAtMs]) => ({ id, departedAtMs })),
  };
}

/** Takes a dead member out, for a node that will never come back; `alive` while its heartbeats last. */
export async function forgetNode(redis: Redis, link: Link, id: string): Promise<"forgotten" | "alive" | "unknown"> {
  const places = [keys.node(id), keys.members, keys.departed];
  if ((await link.run(() => redis.exists(keys.node(id)))) === 1) return "alive";
  const [left] = z
    .tuple([z.int(), z.int()])
    .parse(await link.run(() => redis.leave(...places, id, "", departureRememberedMs)));
  return left === 1 ? "forgotten" : "unknown";
}

const NodeHash = z.object({
  url: z.string(),
  status: z.enum(["up", "draining"]),
  version: z.string(),
  startedAtMs: z.coerce.number(),
  heartbeatAtMs: z.coerce.number(),
  limitsVersion: z.coerce.number(),
  redisRoundTripMs: z.coerce.number(),
  clockOffsetMs: z.coerce.number(),
});

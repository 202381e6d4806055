import type { Source } from "@operator/subject/observation";
import { Redis, ReplyError } from "ioredis";
import { z } from "zod";
import type { KnownNodes } from "./observe-nodes.ts";
import { NodeId } from "./settings.ts";
import { type RedisReading, RegistryReading } from "./state.ts";

const commandMs = 500;
/** So long without an answer, and the connection is taken for dead. */
const silentMs = 5_000;
const entriesMax = 1_000;

/** Asks Redis one command, within half a second. */
export interface RedisLink {
  call: (command: string, ...args: string[]) => Promise<unknown>;
  close: () => void;
}

/** Connects now and for ever. A command waits for the connection within its time, fails with it, and is never sent twice. */
export function connectRedis(url: string): RedisLink {
  const redis = new Redis(url, {
    connectionName: "operator-observer",
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    commandTimeout: commandMs,
    connectTimeout: 1_000,
    socketTimeout: silentMs,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
  // A failure shows where something is asked; an error without a listener would end the process.
  redis.on("error", () => {});
  return {
    call: async (command, ...args) => {
      if (redis.status !== "ready") await isReady(redis);
      try {
        return await redis.call(command, ...args);
      } catch (error) {
        throw coded(error);
      }
    },
    close: () => redis.disconnect(),
  };
}

async function isReady(redis: Redis): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = () => reject(new RedisFailure("REDIS_UNREACHABLE", `no connection to Redis within ${commandMs} ms`));
  const timer = setTimeout(late, commandMs);
  redis.once("ready", resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    redis.off("ready", resolve);
  }
}

/** ioredis has no codes: a reply is told by its class, a limit by its words, the rest is the connection's. */
function coded(error: unknown): RedisFailure {
  const why = error instanceof Error ? error : new Error(String(error));
  if (why instanceof ReplyError) return new RedisFailure("REDIS_REFUSES", why.message);
  if (why.message === "Command timed out")
    return new RedisFailure("REDIS_TIMEOUT", `Redis didn't answer within ${commandMs} ms`);
  return new RedisFailure("REDIS_UNREACHABLE", why.message);
}

class RedisFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The whole register in one step of Redis, so that no node seems to be missing that is just joining or leaving. */
const readRegistry = `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local most = tonumber(ARGV[1])
if redis.call('SCARD', KEYS[1]) > most or redis.call('HLEN', KEYS[2]) > most then
  return redis.error_reply('TOOLARGE the registry has more than ' .. most .. ' entries')
end
local members = redis.call('SMEMBERS', KEYS[1])
local nodes = {}
for at, id in ipairs(members) do
  nodes[at] = redis.call('HMGET', KEYS[3] .. id, 'id', 'url', 'status', 'startedAtMs', 'heartbeatAtMs')
end
return { now, members, nodes, redis.call('HGETALL', KEYS[2]) }
`;

const Fields = z.array(z.string().nullable());
const Reply = z.tuple([z.coerce.number(), z.array(z.string()), z.array(Fields), z.array(z.string())]);

/** The nodes' register. What it says is taken in by `nodes`. */
export function registrySource(redis: RedisLink, nodes: KnownNodes): Source {
  return {
    name: "registry",
    rhythmMs: 1_000,
    timeoutMs: 900,
    targets: () => ["cluster"],
    // It knows of a node that drains or has left; of Redis' own death it can't tell.
    tellsWhy: (target) => target !== "redis",
    read: async () => {
      const places = ["ratelimiter:members", "ratelimiter:departed", "ratelimiter:node:"];
      const reading = registryOf(await redis.call("EVAL_RO", readRegistry, "3", ...places, String(entriesMax)));
      nodes.learn(reading);
      return { cluster: { value: reading } };
    },
  };
}

export function registryOf(reply: unknown): RegistryReading {
  const [redisTimeMs, members, fields, departures] = Reply.parse(reply);
  const ids = members.filter((id) => NodeId.safeParse(id).success);
  const nodes = new Map(
    members.map((member, at) => {
      const [id, url, status, startedAtMs, heartbeatAtMs] = fields[at] ?? [];
      const node = {
        present: typeof id === "string",
        ...(url && { url }),
        ...(status && { status }),
        ...(startedAtMs && { startedAtMs: Number(startedAtMs) }),
        ...(heartbeatAtMs && { heartbeatAtMs: Number(heartbeatAtMs) }),
      };
      return [member, node] as const;
    }),
  );
  const departed = departures.flatMap((id, at) => (at % 2 === 0 ? [[id, Number(departures[at + 1])] as const] : []));
  return RegistryReading.parse({
    redisTimeMs,
    members: ids.toSorted(),
    nodes: Object.fromEntries(ids.toSorted().map((id) => [id, nodes.get(id)])),
    departed: Object.fromEntries(departed.filter(([id]) => NodeId.safeParse(id).success)),
  });
}

/** What Redis says of itself: sections that cost the same however many keys there are. */
export function redisSource(redis: RedisLink): Source {
  return {
    name: "redis",
    rhythmMs: 1_000,
    timeoutMs: 900,
    targets: () => ["redis"],
    read: async () => {
      const sections = ["server", "clients", "memory", "stats", "replication", "persistence"];
      return { redis: { value: redisReadingOf(z.string().parse(await redis.call("INFO", ...sections))) } };
    },
  };
}

export function redisReadingOf(info: string): RedisReading {
  const fields = new Map(
    info.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
  const count = (name: string) => {
    const text = fields.get(name);
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const reading = {
    role: fields.get("role"),
    runId: fields.get("run_id"),
    uptimeS: count("uptime_in_seconds"),
    loading: fields.has("loading") ? fields.get("loading") !== "0" : undefined,
    connectedClients: count("connected_clients"),
    usedMemoryBytes: count("used_memory"),
    memoryMaxBytes: count("maxmemory"),
    evictedKeys: count("evicted_keys"),
    operationsPerS: count("instantaneous_ops_per_sec"),
  };
  return Object.fromEntries(Object.entries(reading).filter(([, value]) => value !== undefined));
}

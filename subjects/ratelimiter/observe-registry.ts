import type { Source } from "@operator/subject/observation";
import { z } from "zod";
import type { RedisLink } from "./observe-link.ts";
import type { KnownNodes } from "./observe-nodes.ts";
import { NodeId } from "./settings.ts";
import { RegistryReading } from "./state.ts";

const entriesMax = 1_000;

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

import type { Fault, Member } from "@operator/subject/fault";
import type { Scenario } from "@operator/subject/scenario";
import { forgeCounters } from "./fault-forge-counters.ts";
import { ofKind } from "./fault-members.ts";
import { pauseRedis } from "./fault-pause-redis.ts";
import { wrongLimit } from "./fault-wrong-limit.ts";

const minute = 60_000;
const ttlMs = { default: 2 * minute, max: 10 * minute };

/** A limiter without a node that answers admits nobody, so one has to be left. */
function takesLastNode(target: string, members: Member[]): string | undefined {
  const others = members.filter((member) => member.kind === "node" && member.target !== target);
  if (others.some(({ state }) => state === "running")) return undefined;
  return `${target} is the last node that runs: nothing would be admitted any more`;
}

/** There is one Redis by design: what a fault of it breaks is known, and is what it's for. */
const breaksNothing = () => undefined;

const nodes = { targets: ofKind("node"), ttlMs, breaks: takesLastNode, by: "supervisor" } as const;
const redis = { targets: ofKind("redis"), ttlMs, breaks: breaksNothing, by: "supervisor" } as const;

/** What chaos can do to the rate limiter. */
export const faults: Fault[] = [
  { ...nodes, name: "kill_node", title: "A node's process is killed", cause: "crashed", verb: "kill" },
  {
    ...nodes,
    name: "pause_node",
    title: "A node's process is paused, and its port stays open",
    cause: "hung",
    verb: "pause",
  },
  {
    ...nodes,
    // Only where members have networks of their own: containers.
    targets: (members) => ofKind("node")(members.filter(({ networks }) => networks?.connected.includes("redis"))),
    name: "cut_redis",
    title: "A node loses its way to Redis, and answers as before",
    cause: "unreachable",
    verb: "disconnect",
    network: "redis",
  },
  { ...redis, name: "kill_redis", title: "Redis is killed, and what it held is gone", cause: "crashed", verb: "kill" },
  pauseRedis,
  forgeCounters,
  wrongLimit,
];

export const scenarios: Scenario[] = [];

/** What an operator's own action mends: forged counters, and a killed node. */
export const story = ["forge_counters", "kill_node"];

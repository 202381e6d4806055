import { framework } from "@operator/subject/framework";
import type { Explanation, Symptom, Topology } from "@operator/subject/topology";
import type { State } from "./state.ts";

const sourceBlind = framework.sourceBlind.name;

/** Whether a `source_blind` is about this source and, when given, this target. */
function isBlindnessOf({ detail }: Symptom, source: string, about?: string): boolean {
  return detail.kind === "blind" && detail.source === source && (about === undefined || detail.about === about);
}

/** Sources that ask Redis. */
const inRedis = ["registry", "redis", "limits", "counters"];

const explanations: Explanation[] = [
  {
    cause: "redis_down",
    effect: "redis_disconnected",
    joins: () => true,
    why: "no node reaches a Redis that is down",
  },
  {
    cause: "redis_down",
    effect: sourceBlind,
    joins: (_, effect) => inRedis.some((source) => isBlindnessOf(effect, source)),
    why: "registry, limits and counters are kept in Redis, and the source `redis` asks Redis itself",
  },
  {
    cause: "redis_down",
    effect: "high_latency",
    joins: () => true,
    why: "a node waits for Redis up to its command timeout before its failure policy decides",
  },
  {
    cause: "redis_down",
    effect: "ghost_allowing",
    joins: () => true,
    why: "without Redis every node admits by its failure policy, and none can renew its place in the register",
  },
  {
    cause: "redis_down",
    effect: "counter_drift",
    joins: () => true,
    why: "a Redis that was away has lost hits, or carries out late what nobody waits for any more",
  },
  {
    cause: "redis_disconnected",
    effect: "ghost_allowing",
    joins: (cause, effect) => cause.target === effect.target,
    why: "a node that can't reach Redis admits by its failure policy, and its place in the register expires",
  },
  {
    cause: "ghost_allowing",
    effect: "counter_drift",
    joins: () => true,
    why: "a node that counts in another Redis admits what this one has no hit of",
  },
  {
    cause: "over_admission",
    effect: "limit_differs",
    joins: (cause, effect) => cause.target === effect.target,
    why: "a limit that is too high is the reason that a window is too full, and told with it",
  },
  {
    cause: "redis_down",
    effect: "limit_differs",
    joins: () => true,
    why: "a node that starts without Redis has read no limits, so it applies its default",
  },
  {
    cause: "redis_disconnected",
    effect: "limit_differs",
    joins: () => true,
    why: "a node that is cut off from Redis keeps to the limits that it read last, or to its default",
  },
  {
    cause: "ghost_allowing",
    effect: "limit_differs",
    joins: () => true,
    why: "a node that counts in another Redis reads its limits there",
  },
  {
    cause: "node_down",
    effect: "ghost_allowing",
    joins: (cause, effect) => cause.target === effect.target,
    why: "a node that comes back admits before its heartbeat is in the register again",
  },
  {
    cause: "node_down",
    effect: "redis_disconnected",
    joins: (cause, effect) => cause.target === effect.target,
    why: "the last word of a dying node, or the first of one that starts, may be that it has no Redis",
  },
  {
    cause: "node_down",
    effect: sourceBlind,
    joins: (cause, effect) => isBlindnessOf(effect, "metrics", cause.target),
    why: "a node that is down serves no metrics; its probe isn't blind, as that is what found it down",
  },
  {
    cause: "node_down",
    effect: "high_latency",
    joins: (cause, effect) => cause.target === effect.target,
    why: "a node that stalls is slow before it's silent, and slow again while it catches up",
  },
];

/** Nodes depend on Redis alone: each decides by itself, none asks another. The keys that are watched are counted in Redis. */
export const topology: Topology<State> = {
  targets: ({ probe, registry, metrics, counters }) => {
    const cluster = registry?.["cluster"];
    const named = [...Object.keys(probe ?? {}), ...Object.keys(metrics ?? {}), ...(cluster?.members ?? [])];
    const isThere = (node: string) =>
      !cluster || cluster.members.includes(node) || !Object.hasOwn(cluster.departed, node);
    const nodes = [...new Set(named)].filter((target) => target !== "redis" && isThere(target));
    return [
      { name: "redis", kind: "redis", dependsOn: [] },
      ...nodes.map((name) => ({ name, kind: "node", dependsOn: ["redis"] })),
      ...Object.keys(counters ?? {}).map((name) => ({ name, kind: "key", dependsOn: ["redis"] })),
    ];
  },
  explanations,
};

import { framework } from "@operator/subject/framework";
import type { Explanation, Symptom, Topology } from "@operator/subject/topology";
import type { State } from "./state.ts";

const sourceBlind = framework.sourceBlind.name;

/** Whether a `source_blind` is about this source and, when given, this target. */
function isBlindnessOf({ detail }: Symptom, source: string, about?: string): boolean {
  return detail.kind === "blind" && detail.source === source && (about === undefined || detail.about === about);
}

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
    joins: (_, effect) => isBlindnessOf(effect, "registry") || isBlindnessOf(effect, "redis"),
    why: "the registry is kept in Redis, and the source `redis` asks Redis itself",
  },
  {
    cause: "redis_down",
    effect: "high_latency",
    joins: () => true,
    why: "a node waits for Redis up to its command timeout before its failure policy decides",
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

/** Nodes depend on Redis alone: each decides by itself, none asks another. */
export const topology: Topology<State> = {
  targets: ({ probe, registry, metrics }) => {
    const cluster = registry?.["cluster"];
    const named = [...Object.keys(probe ?? {}), ...Object.keys(metrics ?? {}), ...(cluster?.members ?? [])];
    const isThere = (node: string) =>
      !cluster || cluster.members.includes(node) || !Object.hasOwn(cluster.departed, node);
    const nodes = [...new Set(named)].filter((target) => target !== "redis" && isThere(target));
    return [
      { name: "redis", kind: "redis", dependsOn: [] },
      ...nodes.map((name) => ({ name, kind: "node", dependsOn: ["redis"] })),
    ];
  },
  explanations,
};

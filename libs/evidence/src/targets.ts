import type { Snapshot } from "@operator/contracts/snapshot";
import { parseState, type StateParts } from "@operator/subject/state";
import type { Topology, TopologyTarget } from "@operator/subject/topology";

/** A room's topology as the snapshots of a case show it: a target that either names is in it. The later snapshot's word wins. */
export function topologyOf(
  topology: Topology<never>,
  parts: StateParts,
  snapshots: readonly Snapshot[],
): TopologyTarget[] {
  const targets = new Map<string, TopologyTarget>();
  for (const snapshot of [...snapshots].sort((a, b) => a.atMs - b.atMs)) {
    // The room's own schema made this state; only its type is unknown here.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const state = parseState(parts, snapshot).state as never;
    for (const target of topology.targets(state)) targets.set(target.name, target);
  }
  return [...targets.values()];
}

/** Targets, nearest first: the one itself, what it depends on, what depends on it, the rest. */
export function nearestFirst(target: string, topology: readonly TopologyTarget[]): string[] {
  const needs = topology.find(({ name }) => name === target)?.dependsOn ?? [];
  const needers = topology.filter(({ dependsOn }) => dependsOn.includes(target)).map(({ name }) => name);
  return [...new Set([target, ...needs, ...needers, ...topology.map(({ name }) => name)])];
}

import type { TargetName } from "@operator/contracts/names";
import type { Option, Proposal } from "./playbook-finding.ts";
import type { Sight } from "./playbook-sight.ts";

/** Proposes to move the leaders off a store, where PD would do it and enough others can take them. */
export function drainOf(sight: Sight, store: TargetName, why: string): Proposal[] {
  const evicted = sight.list("schedule", sight.cluster, "evictLeader");
  const limit = sight.number("schedule", sight.cluster, "leaderScheduleLimit");
  const isHalted = sight.flag("schedule", sight.cluster, "haltScheduling") === true;
  const others = sight.stores(store);
  const isDraining = evicted === undefined || evicted.length > 0;
  if (isDraining || isHalted || limit === undefined || limit === 0) return [];
  if (!sight.isUp(store) || others.some((other) => sight.isUnfitToLead(other)) || others.length < 2) return [];
  return [{ action: "drain_store", target: store, parameters: {}, why }];
}

export function drainOption(store: string, recommended: boolean): Option {
  return {
    title: `Move the leaders off ${store}`,
    steps: [
      `the action drain_store does it: an evict-leader scheduler, 12 leaders in a third of a second where it was tried`,
      `undrain it when it is quick again: the scheduler outlives restarts`,
    ],
    risk: "medium",
    riskWhy:
      "The other stores carry its share. As a follower it stays in every quorum, so writes may still wait for it when another store dies.",
    recommended,
    why: "Clients then read and write at stores that are quick, while somebody looks for the cause.",
  };
}

import { framework } from "@operator/subject/framework";
import type { Explanation, Symptom } from "@operator/subject/topology";
import { cluster } from "./targets.ts";

const sourceBlind = framework.sourceBlind.name;
/** Sources that PD's leader answers. `members` isn't one: that nobody leads is a reading of it. */
const ofPdLeader = ["stores", "schedule", "operators", "hot"];

/** Whether a `source_blind` is about this source and, when given, this target. */
function isBlindnessOf({ detail }: Symptom, source: string, about?: string): boolean {
  return detail.kind === "blind" && detail.source === source && (about === undefined || detail.about === about);
}

const isSameTarget = (cause: Symptom, effect: Symptom) => cause.target === effect.target;
const always = () => true;

/** Says of one cause what follows from it, and why. */
function of(cause: string, effects: Record<string, Pick<Explanation, "joins" | "why" | "tailMs">>): Explanation[] {
  return Object.entries(effects).map(([effect, explanation]) => ({ cause, effect, ...explanation }));
}

/** Which violation explains which: what follows from a fault opens no ticket beside the fault's own. */
export const explanations: Explanation[] = [
  ...of("store_down", {
    quorum_lost: { joins: always, why: "a quorum is lost with the stores that it was on" },
    leaderless_regions: {
      joins: always,
      // After two came back at once: an election of 10 to 20 s, and a scrape, which is often one in 15 s.
      tailMs: 60_000,
      why: "what a dead store led has no leader until another one is elected",
    },
    store_disconnected: {
      joins: isSameTarget,
      why: "a store that was down sends PD its first heartbeat seconds after it answers again",
    },
    store_slow: {
      joins: isSameTarget,
      why: "a store that hangs is slow to its peers, and is slow again while it catches up",
    },
    high_latency: {
      joins: always,
      why: "the others carry a dead store's share, wait for it until they give it up, and for the one replica left",
    },
    under_replicated_regions: { joins: always, why: "the replicas of a dead store are the ones that are down" },
    leader_imbalance: { joins: always, why: "a store that was down leads nothing until PD has given it leaders again" },
    [sourceBlind]: {
      joins: (cause, effect) => isBlindnessOf(effect, "prometheus", cause.target),
      why: "a store that is down serves no metrics; its probe isn't blind, as that is what found it down",
    },
  }),
  ...of("quorum_lost", {
    high_latency: { joins: always, why: "writes to a region without a quorum wait until they're given up" },
  }),
  ...of("pd_member_down", {
    pd_no_leader: {
      joins: always,
      why: "PD has no leader from its leader's death to the next election, or its quorum is gone",
    },
    [sourceBlind]: {
      joins: (cause, effect) =>
        ofPdLeader.some((source) => isBlindnessOf(effect, source)) || isBlindnessOf(effect, "prometheus", cause.target),
      why: "the other members pass questions on to a leader that hangs, and a member that is down serves no metrics",
    },
  }),
  ...of("pd_no_leader", {
    // What was a symptom of a store, and can't be seen to be over, is no case of its own.
    leaderless_regions: { joins: always, why: "PD counts the regions: without it nobody sees that all are led again" },
    under_replicated_regions: { joins: always, why: "PD counts the replicas, and makes none while it has no leader" },
    leader_imbalance: { joins: always, why: "PD counts the leaders, and moves none while it has no leader itself" },
    [sourceBlind]: {
      joins: (_, effect) =>
        ofPdLeader.some((source) => isBlindnessOf(effect, source)) || isBlindnessOf(effect, "prometheus", cluster),
      why: "stores, schedule, operators and flows are known to PD's leader alone",
    },
  }),
  ...of("store_disconnected", {
    under_replicated_regions: {
      joins: always,
      why: "PD hears nothing of the regions that a store leads which is cut off from it, and gives it up in the end",
    },
    leader_imbalance: { joins: always, why: "PD moves no leader to or from a store that is cut off from it" },
    high_latency: {
      joins: isSameTarget,
      why: "a store that has lost its way to PD may have lost it to others as well",
    },
  }),
  ...of("store_slow", {
    high_latency: { joins: always, why: "who asks a slow store waits, and so do leaders that have it as a follower" },
    leader_imbalance: { joins: always, why: "PD's evict-slow-store scheduler takes the leaders from a slow store" },
  }),
  ...of("low_disk_space", {
    under_replicated_regions: { joins: always, why: "PD gives a store that is nearly full no new replicas" },
    leader_imbalance: {
      joins: always,
      why: "a store whose disk is full refuses to lead, and PD tries again every minute",
    },
  }),
  ...of("scheduling_disabled", {
    under_replicated_regions: { joins: always, why: "PD makes no new replicas while it may not schedule" },
    leader_imbalance: { joins: always, why: "PD moves no leaders while it may not schedule" },
  }),
  ...of("forgotten_evict_leader", {
    leader_imbalance: {
      joins: always,
      why: "who may not lead leaves its share to the others, and gets it back slowly",
    },
  }),
];

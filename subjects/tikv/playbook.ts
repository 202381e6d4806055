import { Citations } from "@operator/evidence/citations";
import { notKnown } from "@operator/evidence/answer";
import type { Playbook } from "@operator/subject/case-file";
import { leaderImbalance, underReplicatedRegions } from "./playbook-balance.ts";
import { highLatency } from "./playbook-high-latency.ts";
import { hotRegion } from "./playbook-hot-region.ts";
import { pdMemberDown, pdNoLeader } from "./playbook-pd.ts";
import { leaderlessRegions, quorumLost } from "./playbook-quorum.ts";
import { forgottenEvictLeader, schedulingDisabled } from "./playbook-scheduling.ts";
import { Sight } from "./playbook-sight.ts";
import { lowDiskSpace } from "./playbook-space.ts";
import { storeDisconnected } from "./playbook-store-disconnected.ts";
import { storeDown } from "./playbook-store-down.ts";
import { storeSlow } from "./playbook-store-slow.ts";

export const playbookName = "tikv";

/** What is wrong with a TiKV cluster, from the case file alone: one rule per invariant, each with its alternatives. */
export const playbook: Playbook = (file) => {
  const sight = new Sight(file, new Citations(file));
  switch (file.violation.invariant) {
    case "store_down":
      return storeDown(sight);
    case "pd_member_down":
      return pdMemberDown(sight);
    case "pd_no_leader":
      return pdNoLeader(sight);
    case "quorum_lost":
      return quorumLost(sight);
    case "leaderless_regions":
      return leaderlessRegions(sight);
    case "store_disconnected":
      return storeDisconnected(sight);
    case "store_slow":
      return storeSlow(sight);
    case "high_latency":
      return highLatency(sight);
    case "low_disk_space":
      return lowDiskSpace(sight);
    case "under_replicated_regions":
      return underReplicatedRegions(sight);
    case "scheduling_disabled":
      return schedulingDisabled(sight);
    case "forgotten_evict_leader":
      return forgottenEvictLeader(sight);
    case "leader_imbalance":
      return leaderImbalance(sight);
    case "hot_region":
      return hotRegion(sight);
    default:
      return notKnown(file, sight.citations, "the playbook has no rule for this invariant");
  }
};

import type { Invariant } from "@operator/subject/invariant";
import { highLatency } from "./invariant-high-latency.ts";
import { hotRegion } from "./invariant-hot-region.ts";
import { leaderImbalance } from "./invariant-leader-imbalance.ts";
import { lowDiskSpace } from "./invariant-low-disk-space.ts";
import { pdMemberDown, pdNoLeader } from "./invariant-pd-members.ts";
import { quorumLost } from "./invariant-quorum-lost.ts";
import { leaderlessRegions, underReplicatedRegions } from "./invariant-regions.ts";
import { forgottenEvictLeader, schedulingDisabled } from "./invariant-scheduling.ts";
import { storeDisconnected } from "./invariant-store-disconnected.ts";
import { storeDown } from "./invariant-store-down.ts";
import { storeSlow } from "./invariant-store-slow.ts";
import type { State } from "./state.ts";

export const invariants: Invariant<State>[] = [
  storeDown,
  pdMemberDown,
  quorumLost,
  leaderlessRegions,
  pdNoLeader,
  storeDisconnected,
  storeSlow,
  highLatency,
  lowDiskSpace,
  underReplicatedRegions,
  schedulingDisabled,
  forgottenEvictLeader,
  leaderImbalance,
  hotRegion,
];

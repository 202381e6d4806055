import type { Action } from "@operator/subject/action";
import { drainStore } from "./action-drain-store.ts";
import { setLowSpaceThreshold } from "./action-low-space-threshold.ts";
import { removeScheduler } from "./action-remove-scheduler.ts";
import { resignPdLeader } from "./action-resign-pd-leader.ts";
import { setLeaderScheduleLimit, setRegionScheduleLimit, setReplicaScheduleLimit } from "./action-schedule-limit.ts";
import { splitRegion } from "./action-split-region.ts";
import { transferLeader } from "./action-transfer-leader.ts";
import { undrainStore } from "./action-undrain-store.ts";
import type { State } from "./state.ts";

/** What can be done to a TiKV cluster by PD's API. */
export const actions: Action<State>[] = [
  transferLeader,
  splitRegion,
  drainStore,
  undrainStore,
  removeScheduler,
  setLeaderScheduleLimit,
  setRegionScheduleLimit,
  setReplicaScheduleLimit,
  setLowSpaceThreshold,
  resignPdLeader,
];

import type { Fault } from "@operator/subject/fault";
import type { Scenario } from "@operator/subject/scenario";
import { hotRegion } from "./fault-hot-region.ts";
import { leaderLimitZero } from "./fault-leader-limit-zero.ts";
import { leaveEvictLeader } from "./fault-leave-evict-leader.ts";
import { breaksPd, breaksRegions, ofKind, ttlMs } from "./fault-members.ts";
import { killPdLeader, pausePdLeader } from "./fault-pd-leader.ts";
import { cutStoreFromPd, fillDisk, slowStore } from "./fault-simulated-store.ts";
import { namedIfKnown } from "./fault-store.ts";

const stores = {
  by: "supervisor",
  ttlMs,
  targets: ofKind("store"),
  resolve: namedIfKnown,
  breaks: breaksRegions,
} as const;
const pds = { by: "supervisor", ttlMs, targets: ofKind("pd"), breaks: breaksPd } as const;

/**
 * What chaos can do to a TiKV cluster. A target is the supervisor's member (`tikv-1`, `pd-1`), the `cluster`, or a role
 * (`pd-leader`, `busiest-region`) that somebody has when the fault is made.
 */
export const faults: Fault[] = [
  { ...stores, name: "kill_store", title: "A store's process is killed", cause: "crashed", verb: "kill" },
  {
    ...stores,
    name: "pause_store",
    title: "A store's process is paused, and its port stays open",
    cause: "hung",
    verb: "pause",
  },
  {
    ...stores,
    // Only where members have networks of their own.
    targets: (members) => ofKind("store")(members.filter(({ networks }) => networks?.connected.includes("pd"))),
    name: "cut_pd",
    title: "A store is cut off PD by its network, in containers",
    cause: "unreachable",
    verb: "disconnect",
    network: "pd",
  },
  { ...pds, name: "kill_pd", title: "A PD member is killed", cause: "crashed", verb: "kill" },
  { ...pds, name: "pause_pd", title: "A PD member is paused, and its port stays open", cause: "hung", verb: "pause" },
  killPdLeader,
  pausePdLeader,
  cutStoreFromPd,
  fillDisk,
  slowStore,
  hotRegion,
  leaderLimitZero,
  leaveEvictLeader,
];

export const scenarios: Scenario[] = [
  {
    name: "two_stores_down",
    title: "Two of three stores are killed, and every region has lost its quorum",
    faults: [{ fault: "kill_store" }, { fault: "kill_store", at: 1, force: true }],
    expects: "roots",
  },
  {
    name: "two_pds_down",
    title: "Two of three PD members are killed, and PD has no leader",
    faults: [{ fault: "kill_pd" }, { fault: "kill_pd", at: 1, force: true }],
    expects: "roots",
  },
  {
    name: "store_and_pd_leader_down",
    title: "A store is killed, and the leader of PD at once, so that PD can't say that the store is gone",
    faults: [{ fault: "kill_store" }, { fault: "kill_pd_leader" }],
    expects: "roots",
  },
];

/** A killed store, which PD can't mend; and an eviction that was left behind, which it can. */
export const story = ["kill_store", "leave_evict_leader"];

/** An eviction counts as forgotten after five minutes: here after one. */
export const timeScale = 5;

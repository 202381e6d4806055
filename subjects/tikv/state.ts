import { TimeMs } from "@operator/contracts/names";
import { ProbeReading } from "@operator/subject/probe";
import { defineState, type StateOf } from "@operator/subject/state";
import { z } from "zod";

const count = z.int().nonnegative();
const bytes = z.number().nonnegative();
const perSecond = z.number().nonnegative();
const ms = z.number().nonnegative();
/** Ids are uint64: past 2^53, so never a number. */
export const Id = z.string().regex(/^\d{1,20}$/, { error: "a uint64 as text" });

/**
 * PD's members, and who leads, as each member that could be asked says. One target: `cluster`. A reading, not an error,
 * also when no member names a leader: that nobody leads is what it says then.
 */
export const MembersReading = z.object({
  clusterId: Id.optional(),
  /** The target that most of the members that answered call the leader; absent when none is named, or they disagree evenly. */
  leader: z.string().optional(),
  /** Since when this observer has seen this leader: at the earliest, its first reading. */
  leaderSinceMs: TimeMs.optional(),
  /** Target → a member that PD lists, or that was configured. */
  members: z.record(z.string(), z.object({ name: z.string().optional(), id: Id.optional(), url: z.string() })),
  /** Whether PD's own list was read: without it a member that isn't in `members` hasn't left. */
  isListed: z.boolean(),
  /** Target → the leader's target that this member names; or the error's name, e.g. `ErrRedirect`, `TIMEOUT`. */
  answers: z.record(z.string(), z.object({ leader: z.string().optional(), code: z.string().optional() })),
});
export type MembersReading = z.infer<typeof MembersReading>;

/** What PD says of a store (`GET /stores`, tombstones included). One target per store: `store-<id>`. Sizes are PD's rounded ones. */
export const StoreReading = z.object({
  id: Id,
  address: z.string(),
  statusAddress: z.string().optional(),
  version: z.string().optional(),
  /** `Up`, `Disconnected`, `Down`, `Offline` (being decommissioned), `Tombstone`. */
  state: z.string(),
  /** `Preparing`, `Serving`, `Removing`, `Removed`. */
  nodeState: z.string().optional(),
  /** Absent: it never sent one. Then `Down` only means that it's new. */
  lastHeartbeatMs: TimeMs.optional(),
  startedAtMs: TimeMs.optional(),
  capacityBytes: bytes.optional(),
  availableBytes: bytes.optional(),
  usedBytes: bytes.optional(),
  leaderCount: count,
  regionCount: count,
  pendingPeerCount: count.optional(),
  /** Disk, 1 (well) to 100. */
  slowScore: z.number().optional(),
  isBusy: z.boolean().optional(),
  /**
   * Other stores that find the network to this one slow: their score (1 to 100, falls over ten minutes, so its level is
   * history), and by how much it rose within the last 10 s. The worst eight: first those whose score rose, then the highest.
   */
  blamedBy: z.record(z.string(), z.object({ score: z.number(), rose: z.number() })).optional(),
  /** How many there are in all. */
  blamerCount: count.optional(),
});
export type StoreReading = z.infer<typeof StoreReading>;

/** What PD may schedule. One target: `cluster`. */
export const ScheduleReading = z.object({
  leaderScheduleLimit: count.optional(),
  regionScheduleLimit: count.optional(),
  replicaScheduleLimit: count.optional(),
  mergeScheduleLimit: count.optional(),
  hotRegionScheduleLimit: count.optional(),
  /** A store that is fuller than this part is given no new peers, e.g. 0.8. */
  lowSpaceRatio: z.number().optional(),
  highSpaceRatio: z.number().optional(),
  haltScheduling: z.boolean().optional(),
  maxReplicas: z.int().positive().optional(),
  schedulers: z.array(z.string()),
  paused: z.array(z.string()),
  /** Stores that an evict-leader scheduler keeps free of leaders, as targets. */
  evictLeader: z.array(z.string()),
});
export type ScheduleReading = z.infer<typeof ScheduleReading>;

/** Operators that PD has under way. One target: `cluster`. */
export const OperatorsReading = z.object({
  count,
  /** The first twenty. */
  running: z.array(z.object({ region: z.string(), desc: z.string(), brief: z.string() })).max(20),
});
export type OperatorsReading = z.infer<typeof OperatorsReading>;

/** A region's traffic by its last heartbeat: what came in the 60 s before it. */
export const HotRegion = z.object({
  /** `region-<id>`. */
  region: z.string(),
  /** The store that leads it, as a target; absent when PD doesn't know. */
  leader: z.string().optional(),
  stores: z.array(z.string()),
  writtenBytes: bytes,
  writtenKeys: count,
  readBytes: bytes,
  readKeys: count,
  sizeMiB: z.number().nonnegative(),
});
export type HotRegion = z.infer<typeof HotRegion>;

/** The regions with the most traffic, busiest first. One target: `cluster`. PD walks its regions for it, so it's read every 10 s. */
export const HotReading = z.object({
  write: z.array(HotRegion).max(8),
  read: z.array(HotRegion).max(8),
  /** Targets that `hotRegionsOf` (invariant-hot-region.ts) found in a reading of the last ten minutes, this one included: so that one that has left the lists is known to be well. */
  lately: z.array(z.string()).max(64),
});
export type HotReading = z.infer<typeof HotReading>;

/**
 * What Prometheus has of a store (`store-<id>`, by its status address), of a PD member, and of the cluster (`cluster`). What
 * its answer doesn't hold, or holds as NaN, is absent: absent isn't 0.
 */
export const PrometheusReading = z.object({
  /** Of stores and PD members: was its last scrape answered? */
  isScraped: z.boolean().optional(),

  // Of a store.
  leaders: count.optional(),
  regions: count.optional(),
  capacityBytes: bytes.optional(),
  availableBytes: bytes.optional(),
  usedBytes: bytes.optional(),
  diskSlowScore: z.number().optional(),
  networkSlowScore: z.number().optional(),
  cpuCores: z.number().nonnegative().optional(),
  memoryBytes: bytes.optional(),
  appendLogP99Ms: ms.optional(),
  commitLogP99Ms: ms.optional(),
  applyLogP99Ms: ms.optional(),

  // Of a store and of the cluster; rates and quantiles of the last minute.
  requestsPerS: perSecond.optional(),
  p99Ms: ms.optional(),

  // Of a PD member.
  hasEtcdLeader: z.boolean().optional(),

  // Of the cluster.
  regionHealth: z
    .object({
      miss: count.optional(),
      down: count.optional(),
      pending: count.optional(),
      offline: count.optional(),
      extra: count.optional(),
      learner: count.optional(),
      empty: count.optional(),
    })
    .optional(),
  /** Regions that PD counts. */
  regionCount: count.optional(),
});
export type PrometheusReading = z.infer<typeof PrometheusReading>;

/** The state of a TiKV cluster, source by source. Small at any number of regions. */
export const state = defineState({
  /** Each store by `GET /status` of its status port, each PD member by `GET /pd/api/v1/ping` of its client port. */
  probe: ProbeReading,
  members: MembersReading,
  stores: StoreReading,
  schedule: ScheduleReading,
  operators: OperatorsReading,
  hot: HotReading,
  prometheus: PrometheusReading,
});
export type State = StateOf<typeof state>;

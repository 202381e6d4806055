import type { Source } from "@operator/subject/observation";
import type { PdClient } from "./pd-client.ts";
import {
  evictLeader,
  evictListPath,
  pausedPath,
  PdEvictList,
  PdReplicateConfig,
  PdScheduleConfig,
  PdSchedulers,
  replicatePath,
  schedulePath,
  schedulersPath,
} from "./pd-schedule.ts";
import type { ScheduleReading } from "./state.ts";
import { cluster, storeTarget } from "./targets.ts";

/** What PD may schedule: five short requests every five seconds, one more where PD changes meanwhile. */
export function scheduleSource(pd: PdClient): Source {
  return {
    name: "schedule",
    rhythmMs: 5_000,
    timeoutMs: 2_000,
    targets: () => [cluster],
    read: async (signal) => {
      const [config, replicate, { schedulers, evicted }, paused] = await Promise.all([
        pd.get(schedulePath, PdScheduleConfig, signal),
        pd.get(replicatePath, PdReplicateConfig, signal),
        readSchedulers(pd, signal),
        pd.get(pausedPath, PdSchedulers, signal),
      ]);
      const value: ScheduleReading = {
        ...limitsOf(config),
        haltScheduling: config["halt-scheduling"],
        ...(replicate["max-replicas"] !== undefined && { maxReplicas: replicate["max-replicas"] }),
        schedulers: schedulers.toSorted(),
        paused: paused.toSorted(),
        evictLeader: evicted.map(storeTarget).toSorted(),
      };
      return { [cluster]: { value } };
    },
  };
}

/** The schedulers that PD runs, and the ids of the stores that evict-leader keeps free of leaders. */
async function readSchedulers(pd: PdClient, signal: AbortSignal): Promise<{ schedulers: string[]; evicted: string[] }> {
  const schedulers = await pd.get(schedulersPath, PdSchedulers, signal);
  if (!schedulers.includes(evictLeader)) return { schedulers, evicted: [] };
  try {
    return { schedulers, evicted: await pd.get(evictListPath, PdEvictList, signal) };
  } catch (error) {
    // Removed since it was listed? Neither status nor words of the failure prove it, PD's list does.
    const now = await pd.get(schedulersPath, PdSchedulers, signal);
    if (now.includes(evictLeader)) throw error;
    return { schedulers: now, evicted: [] };
  }
}

function limitsOf(config: PdScheduleConfig): Partial<ScheduleReading> {
  const named = {
    leaderScheduleLimit: config["leader-schedule-limit"],
    regionScheduleLimit: config["region-schedule-limit"],
    replicaScheduleLimit: config["replica-schedule-limit"],
    mergeScheduleLimit: config["merge-schedule-limit"],
    hotRegionScheduleLimit: config["hot-region-schedule-limit"],
    lowSpaceRatio: config["low-space-ratio"],
    highSpaceRatio: config["high-space-ratio"],
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

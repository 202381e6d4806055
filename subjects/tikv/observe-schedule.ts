import type { Source } from "@operator/subject/observation";
import type { PdClient } from "./pd-client.ts";
import { PdError } from "./pd-error.ts";
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

/** What PD may schedule: five short requests every five seconds. */
export function scheduleSource(pd: PdClient): Source {
  return {
    name: "schedule",
    rhythmMs: 5_000,
    timeoutMs: 2_000,
    targets: () => [cluster],
    read: async (signal) => {
      const [config, replicate, schedulers, paused] = await Promise.all([
        pd.get(schedulePath, PdScheduleConfig, signal),
        pd.get(replicatePath, PdReplicateConfig, signal),
        pd.get(schedulersPath, PdSchedulers, signal),
        pd.get(pausedPath, PdSchedulers, signal),
      ]);
      const evicted = schedulers.includes(evictLeader) ? await readEvicted(pd, signal) : [];
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

async function readEvicted(pd: PdClient, signal: AbortSignal): Promise<string[]> {
  try {
    return await pd.get(evictListPath, PdEvictList, signal);
  } catch (error) {
    // Removed since it was listed.
    if (error instanceof PdError && error.status === 404) return [];
    throw error;
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

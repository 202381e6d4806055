import { z } from "zod";
import { PdBoolean } from "./pd-values.ts";

export const schedulePath = "/pd/api/v1/config/schedule";
export const replicatePath = "/pd/api/v1/config/replicate";
export const schedulersPath = "/pd/api/v1/schedulers";
export const pausedPath = "/pd/api/v1/schedulers?status=paused";
export const evictListPath = "/pd/api/v1/scheduler-config/evict-leader-scheduler/list";

export const evictLeader = "evict-leader-scheduler";

const count = z.int().nonnegative();

/** `GET /config/schedule`, as far as it's used. */
export const PdScheduleConfig = z.object({
  "leader-schedule-limit": count.optional(),
  "region-schedule-limit": count.optional(),
  "replica-schedule-limit": count.optional(),
  "merge-schedule-limit": count.optional(),
  "hot-region-schedule-limit": count.optional(),
  "low-space-ratio": z.number().optional(),
  "high-space-ratio": z.number().optional(),
  // PD leaves it out while it's false.
  "halt-scheduling": PdBoolean.default(false),
});
export type PdScheduleConfig = z.infer<typeof PdScheduleConfig>;

/** `GET /config/replicate`. */
export const PdReplicateConfig = z.object({ "max-replicas": z.int().positive().optional() });

/** `GET /schedulers`: names, e.g. `balance-leader-scheduler`. */
export const PdSchedulers = z
  .array(z.string())
  .nullable()
  .transform((names) => names ?? []);

/** Which stores the evict-leader scheduler keeps free of leaders: their ids. */
export const PdEvictList = z
  .object({ "store-id-ranges": z.record(z.string(), z.unknown()).nullable() })
  .transform((list) => Object.keys(list["store-id-ranges"] ?? {}));

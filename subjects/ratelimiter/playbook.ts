import { Citations } from "@operator/evidence/citations";
import { notKnown } from "@operator/evidence/answer";
import type { Playbook } from "@operator/subject/case-file";
import { counterDrift } from "./playbook-counters.ts";
import { ghostAllowing } from "./playbook-ghost-allowing.ts";
import { highLatency } from "./playbook-high-latency.ts";
import { limitDiffers } from "./playbook-limit-differs.ts";
import { nodeDown } from "./playbook-node-down.ts";
import { overAdmission } from "./playbook-over-admission.ts";
import { redisDisconnected } from "./playbook-redis-disconnected.ts";
import { redisDown } from "./playbook-redis-down.ts";
import { Sight } from "./playbook-sight.ts";

export const playbookName = "ratelimiter";

/** What is wrong with the rate limiter, from the case file alone: one rule per invariant, each with its alternatives. */
export const playbook: Playbook = (file) => {
  const sight = new Sight(file, new Citations(file));
  switch (file.violation.invariant) {
    case "node_down":
      return nodeDown(sight);
    case "redis_down":
      return redisDown(sight);
    case "redis_disconnected":
      return redisDisconnected(sight);
    case "high_latency":
      return highLatency(sight);
    case "ghost_allowing":
      return ghostAllowing(sight);
    case "over_admission":
      return overAdmission(sight);
    case "counter_drift":
      return counterDrift(sight);
    case "limit_differs":
      return limitDiffers(sight);
    default:
      return notKnown(file, sight.citations, "the playbook has no rule for this invariant");
  }
};

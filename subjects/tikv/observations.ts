import type { ReadTool } from "@operator/subject/read-tool";
import { getLogTail } from "./read-logs.ts";
import { getMembers } from "./read-members.ts";
import { getMetricRange } from "./read-metric-range.ts";
import { getClusterMetrics, getStoreMetrics } from "./read-metrics.ts";
import { getRegionHealth } from "./read-region-health.ts";
import { getHotReadRegions, getHotWriteRegions, getRegion } from "./read-regions.ts";
import { getOperators, getScheduleConfig, getSchedulers } from "./read-scheduling.ts";
import { getStores } from "./read-stores.ts";

/** What may be asked of the cluster as it is now. */
export const observations: ReadTool[] = [
  getStores,
  getStoreMetrics,
  getClusterMetrics,
  getHotWriteRegions,
  getHotReadRegions,
  getRegion,
  getRegionHealth,
  getOperators,
  getSchedulers,
  getScheduleConfig,
  getMembers,
  getLogTail,
  getMetricRange,
];

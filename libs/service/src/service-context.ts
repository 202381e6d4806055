import type { Bus } from "@operator/bus/bus";
import type { InstanceName } from "@operator/contracts/names";
import type { Logger } from "./log.ts";
import type { ServiceMetrics } from "./metrics.ts";

/** What a running service works with. */
export interface ServiceContext {
  bus: Bus;
  log: Logger;
  /** Fires when the service is to stop. */
  signal: AbortSignal;
  instance: InstanceName;
  metrics: ServiceMetrics;
  /** Says whether the service does its work now, and if not, why: `/readyz` answers so. */
  ready: (isReady: boolean, why?: string) => void;
}

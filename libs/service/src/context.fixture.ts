import type { Bus } from "@operator/bus/bus";
import { createLogger } from "./log.ts";
import { ServiceMetrics } from "./metrics.ts";
import type { ServiceContext } from "./service-context.ts";

/** What a service runs in, without a process of its own; its log's lines are kept. */
export function contextOf(bus: Bus, signal: AbortSignal): ServiceContext & { lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return {
    bus,
    signal,
    lines,
    instance: bus.instance,
    metrics: new ServiceMetrics(bus.user),
    log: createLogger({
      service: bus.user,
      instance: bus.instance,
      level: "info",
      secrets: [],
      write: (line) => lines.push(JSON.parse(line)),
    }),
    ready: () => {},
  };
}

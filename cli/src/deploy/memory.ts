import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { CliError } from "../cli-error.ts";
import type { Container } from "./containers.ts";
import type { Engine } from "./engine.ts";
import type { Service } from "./topology.ts";

/**
 * Of the memory that services may have at most they use less: under load, with a fault, a diagnosis and an action, each at
 * its highest, 800 MB of the 3,290 MB that they may have together (measured on Linux). With room for growth it's a third.
 */
const usedShare = 1 / 3;

/** Throws `MEMORY_SHORT` when what isn't running yet would use more than is free. */
export function mustHaveMemory(engine: Engine, services: readonly Service[], containers: readonly Container[]): void {
  const needBytes = neededBytes(services, containers);
  const free = freeMemory(engine);
  if (free.bytes >= needBytes) return;
  throw new CliError(
    "MEMORY_SHORT",
    `what is to be started uses about ${inMb(needBytes)} of memory, and the machine has ${inMb(free.bytes)} ${free.of}: end something else, or give Docker more`,
    { needBytes, freeBytes: free.bytes },
  );
}

export function neededBytes(services: readonly Service[], containers: readonly Container[]): number {
  const missing = ({ name, count, isJob }: Service) => {
    const running = containers.filter(({ service, state }) => service === name && state === "running").length;
    // Jobs end before most of the others start.
    return isJob ? 0 : Math.max(0, count - running);
  };
  return services.reduce((sum, service) => sum + missing(service) * service.memoryMaxBytes * usedShare, 0);
}

/** What is free where the engine runs; on another machine, or in a virtual one, only how much there is at all is known. */
function freeMemory({ host, memoryBytes }: Engine): { bytes: number; of: "free" | "in all" } {
  try {
    const [, kB] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
    if (kB !== undefined && host === hostname()) return { bytes: Number(kB) * 1_024, of: "free" };
  } catch {
    // No Linux.
  }
  return { bytes: memoryBytes, of: "in all" };
}

function inMb(bytes: number): string {
  return `${Math.round(bytes / 1_000_000).toLocaleString("en")} MB`;
}

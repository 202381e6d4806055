import { readFileSync } from "node:fs";

const ticksPerSecond = 100;

/** User and system time of a process in seconds, by the kernel's own account. */
export function cpuSeconds(pid: number): number {
  const stat = read(pid, "stat");
  // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(read(pid, "status"))?.[1]) / 1_024;
}

function read(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch (error) {
    throw new Error(`process ${pid} can't be measured: this figure needs Linux's /proc`, { cause: error });
  }
}

import { execFileSync } from "node:child_process";
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from "node:os";
import { findServers } from "@operator/stack/servers";

/** What figures depend on, and nothing that names the machine. */
export interface Machine {
  system: string;
  processor: string;
  cores: number;
  memoryGb: number;
  versions: Record<string, string>;
}

export async function machineHere(): Promise<Machine> {
  const servers = await findServers(["nats-server", "redis-server"]);
  const versionOf = ({ file, env }: { file: string; env: Record<string, string> }) => {
    const said = execFileSync(file, ["--version"], { encoding: "utf8", env: { ...process.env, ...env } });
    return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? said.trim();
  };
  return {
    system: `${platform()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    versions: {
      node: process.versions.node,
      "nats-server": versionOf(servers["nats-server"]),
      redis: versionOf(servers["redis-server"]),
    },
  };
}

/** Over 1, 5 and 15 minutes. */
export function loadNow(): string {
  return loadavg()
    .map((load) => load.toFixed(2))
    .join(" ");
}

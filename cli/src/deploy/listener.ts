import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Who listens on a TCP port of this machine, e.g. `nats-server (process 812)`: where /proc says it, and to whom it may. */
export function listenerOf(port: number): string | undefined {
  const sockets = new Set(["tcp", "tcp6"].flatMap((table) => socketsOn(port, `/proc/net/${table}`)));
  if (sockets.size === 0) return undefined;
  const pids = attempt(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name));
  const pid = pids.find((one) => filesOf(one).some((file) => sockets.has(file)));
  if (pid === undefined) return undefined;
  const name = attempt(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim(), "");
  return `${name || "a program"} (process ${pid})`;
}

/** The listening sockets of a table, in the words in which a process' open files name them. */
function socketsOn(port: number, table: string): string[] {
  const lines = attempt(() => readFileSync(table, "utf8"), "")
    .split("\n")
    .slice(1);
  return lines.flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const isIt = state === listening && Number.parseInt(local?.split(":").at(-1) ?? "", 16) === port;
    return isIt ? [`socket:[${inode}]`] : [];
  });
}

/** TCP_LISTEN, as the kernel writes it. */
const listening = "0A";

function filesOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return attempt(() => readdirSync(folder), []).map((file) => attempt(() => readlinkSync(join(folder, file)), ""));
}

/** Others' processes can't be looked into, and any may end meanwhile. */
function attempt<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

import { appendFileSync } from "node:fs";

const logFile = process.env["OPERATOR_FAILPOINT_LOG"];
const killAt = process.env["OPERATOR_FAILPOINT"];
const counts = new Map<string, number>();

/**
 * Does a write, and lets a test kill this process just before or after it. `OPERATOR_FAILPOINT_LOG=<file>` lists the
 * writes, one `<before|after> <label>#<count>` per line; `OPERATOR_FAILPOINT="before publish:violation#1"` is a SIGKILL there.
 */
export async function failpoint<T>(label: string, write: () => Promise<T>): Promise<T> {
  if (logFile === undefined && killAt === undefined) return await write();
  const count = (counts.get(label) ?? 0) + 1;
  counts.set(label, count);
  reach(`before ${label}#${count}`);
  const result = await write();
  reach(`after ${label}#${count}`);
  return result;
}

function reach(point: string) {
  if (logFile !== undefined) appendFileSync(logFile, `${point}\n`);
  if (killAt === point) process.kill(process.pid, "SIGKILL");
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";

// However the demo ends, nothing of it stays.

const root = join(import.meta.dirname, "..", "..");
const Event = z.looseObject({ type: z.string(), folder: z.string().optional() });

/** Starts the demo and waits until everything is up; gives its data folder and the processes that it started. */
async function startDemo() {
  const demo = spawn(process.execPath, [join(root, "cli/src/main.ts"), "demo", "--json"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(demo, "exit");
  for await (const line of createInterface({ input: demo.stdout })) {
    const { type, folder } = Event.parse(JSON.parse(line));
    if (type !== "ready") continue;
    demo.stdout.resume();
    return { demo, exited, folder: folder ?? "", pids: childrenOf(demo.pid ?? 0) };
  }
  throw new Error("the demo ended before it was up");
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .trim()
      .split(" ")
      .filter((child) => child !== "")
      .map(Number),
  );
}

const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

test.runIf(process.platform === "linux")("Ctrl-C stops every process and removes the data", async () => {
  const { demo, exited, folder, pids } = await startDemo();
  expect(pids.length).toBeGreaterThanOrEqual(10);
  demo.kill("SIGINT");
  const [code] = await exited;
  expect(code).toBe(130);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(join(root, ".operator", "context.json"))).toBe(false);
});

test.runIf(process.platform === "linux")("a demo that is itself killed takes its processes along", async () => {
  const { demo, exited, folder, pids } = await startDemo();
  demo.kill("SIGKILL");
  await exited;
  await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
  rmSync(join(root, ".operator", "context.json"), { force: true });
});

import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";
import { root, runDemo, spawnDemo } from "./run-demo.ts";

const reverted = { action: null, verified: false, recoveredBy: "revert" };
const mended = { verified: true, recoveredBy: "action" };

// Two demos side by side: most of a demo is waiting.
test.concurrent.each([
  {
    what: "what an action mends",
    expected: [
      { fault: "forge_counters", cause: "diverged key-load-0", ...mended, action: "reset_counter" },
      { fault: "kill_node", cause: "crashed node-a", ...mended, action: "restart_node" },
      { fault: "wrong_limit", cause: "misconfigured key-load-0", ...mended, action: "update_limit" },
    ],
  },
  {
    what: "what ends by itself",
    expected: [
      { fault: "pause_node", cause: "hung node-a", ...reverted },
      { fault: "kill_redis", cause: "crashed redis", ...reverted },
      { fault: "pause_redis", cause: "hung redis", ...reverted },
    ],
  },
])(
  "the demo's last line holds for $what: each fault one ticket, the right cause, the action that fits, closed by observation",
  async ({ expected }) => {
    const names = expected.map(({ fault }) => fault).join(",");
    const { scenarios, ok, complaints, code } = await runDemo("--subject", "ratelimiter", "--scenario", names);
    expect(complaints).toEqual([]);
    const shown = scenarios.flatMap(({ roots, tickets, cleared, recoveredBy }) =>
      roots.map(({ fault, rootCause, engine, action, verified }) => ({
        fault,
        cause: `${rootCause.category} ${rootCause.target}`,
        engine,
        tickets,
        action,
        verified,
        cleared,
        recoveredBy,
      })),
    );
    expect(shown).toEqual(expected.map((each) => ({ engine: "playbook", tickets: 1, cleared: true, ...each })));
    expect(ok).toBe(true);
    expect(code).toBe(0);
  },
  600_000,
);

// However the demo ends, nothing of it stays.

const Event = z.looseObject({ type: z.string(), folder: z.string().optional() });

/** Starts the demo and waits until everything is up; gives its data folder and the processes that it started. */
async function startDemo() {
  const demo = spawnDemo();
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

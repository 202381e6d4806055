import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { z } from "zod";

const root = join(import.meta.dirname, "..", "..");
const Summary = z.object({
  type: z.literal("summary"),
  ok: z.boolean(),
  scenarios: z.array(
    z.looseObject({
      fault: z.string(),
      target: z.string(),
      detectMs: z.number(),
      tickets: z.number(),
      engine: z.string(),
      rootCause: z.object({ category: z.string(), target: z.string() }),
      evidence: z.number().positive(),
      cleared: z.boolean(),
      action: z.string().nullable(),
      verified: z.boolean(),
      recoveredBy: z.enum(["action", "revert"]),
      wrong: z.array(z.string()),
    }),
  ),
});

test("the demo's last line holds: each fault one ticket, the right cause, the action that fits, closed by observation", async () => {
  const demo = spawn(
    process.execPath,
    [
      join(root, "cli/src/main.ts"),
      "demo",
      "--json",
      "--scenario",
      "forge_counters,kill_node,wrong_limit,pause_node,kill_redis,pause_redis",
    ],
    { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
  );
  const [out, [code]] = await Promise.all([text(demo.stdout), once(demo, "exit")]);
  const summary = Summary.parse(JSON.parse(out.trim().split("\n").at(-1) ?? ""));
  expect(summary.scenarios.flatMap(({ fault, wrong }) => wrong.map((complaint) => `${fault}: ${complaint}`))).toEqual(
    [],
  );
  const shown = summary.scenarios.map((each) => ({
    fault: each.fault,
    cause: `${each.rootCause.category} ${each.rootCause.target}`,
    engine: each.engine,
    tickets: each.tickets,
    action: each.action,
    verified: each.verified,
    cleared: each.cleared,
    recoveredBy: each.recoveredBy,
  }));
  const one = { engine: "playbook", tickets: 1, cleared: true };
  const reverted = { ...one, action: null, verified: false, recoveredBy: "revert" };
  const mended = { ...one, verified: true, recoveredBy: "action" };
  expect(shown).toEqual([
    { fault: "forge_counters", cause: "diverged key-load-0", ...mended, action: "reset_counter" },
    { fault: "kill_node", cause: "crashed node-a", ...mended, action: "restart_node" },
    { fault: "wrong_limit", cause: "misconfigured key-load-0", ...mended, action: "update_limit" },
    { fault: "pause_node", cause: "hung node-a", ...reverted },
    { fault: "kill_redis", cause: "crashed redis", ...reverted },
    { fault: "pause_redis", cause: "hung redis", ...reverted },
  ]);
  expect(summary.ok).toBe(true);
  expect(code).toBe(0);
}, 600_000);

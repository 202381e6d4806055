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
      recoveredBy: z.literal("revert"),
      wrong: z.array(z.string()),
    }),
  ),
});

test("the demo's last line holds: each fault one ticket, the right cause from checked evidence, closed by observation", async () => {
  const demo = spawn(
    process.execPath,
    [join(root, "cli/src/main.ts"), "demo", "--json", "--faults", "kill_node,pause_node,kill_redis,pause_redis"],
    { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
  );
  const [out, [code]] = await Promise.all([text(demo.stdout), once(demo, "exit")]);
  const summary = Summary.parse(JSON.parse(out.trim().split("\n").at(-1) ?? ""));
  expect(summary.scenarios.flatMap(({ fault, wrong }) => wrong.map((complaint) => `${fault}: ${complaint}`))).toEqual(
    [],
  );
  expect(
    summary.scenarios.map(({ fault, target, tickets, engine, rootCause, cleared }) => ({
      fault,
      target,
      tickets,
      engine,
      rootCause,
      cleared,
    })),
  ).toEqual([
    {
      fault: "kill_node",
      target: "node-a",
      tickets: 1,
      engine: "playbook",
      rootCause: { category: "crashed", target: "node-a" },
      cleared: true,
    },
    {
      fault: "pause_node",
      target: "node-a",
      tickets: 1,
      engine: "playbook",
      rootCause: { category: "hung", target: "node-a" },
      cleared: true,
    },
    {
      fault: "kill_redis",
      target: "redis",
      tickets: 1,
      engine: "playbook",
      rootCause: { category: "crashed", target: "redis" },
      cleared: true,
    },
    {
      fault: "pause_redis",
      target: "redis",
      tickets: 1,
      engine: "playbook",
      rootCause: { category: "hung", target: "redis" },
      cleared: true,
    },
  ]);
  expect(summary.ok).toBe(true);
  expect(code).toBe(0);
}, 300_000);

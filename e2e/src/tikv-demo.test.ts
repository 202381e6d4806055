import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { z } from "zod";

// Every fault of a TiKV cluster, told by the demo: its root tickets and no others, the right cause, a remedy or none, closed.

const root = join(import.meta.dirname, "..", "..");
const Summary = z.object({
  type: z.literal("summary"),
  ok: z.boolean(),
  scenarios: z.array(
    z.looseObject({
      scenario: z.string(),
      roots: z.array(
        z.looseObject({
          fault: z.string(),
          detectMs: z.number(),
          engine: z.literal("playbook"),
          rootCause: z.object({ category: z.string(), target: z.string() }),
          evidence: z.number().positive(),
          action: z.string().nullable(),
        }),
      ),
      tickets: z.number(),
      cleared: z.literal(true),
      recoveredBy: z.enum(["action", "revert"]),
      wrong: z.array(z.string()),
    }),
  ),
});

/** Fault → its cause and, where PD can mend it, the action that does. */
const told: Record<string, string> = {
  kill_store: "crashed",
  leave_evict_leader: "misconfigured undrain_store",
  leader_limit_zero: "misconfigured set_leader_schedule_limit",
  fill_disk: "overloaded",
  slow_store: "overloaded drain_store",
  pause_store: "hung",
  cut_store_from_pd: "unreachable",
  hot_region: "overloaded split_region",
  kill_pd_leader: "crashed",
  pause_pd_leader: "hung",
  kill_pd: "crashed",
};

test.concurrent.each([
  [["kill_store", "leave_evict_leader", "leader_limit_zero", "fill_disk", "slow_store"]],
  [["pause_store", "kill_pd_leader", "pause_pd_leader", "cut_store_from_pd"]],
  [["two_stores_down", "two_pds_down", "store_and_pd_leader_down"]],
  [["hot_region"]],
])(
  "%s",
  async (names) => {
    const main = join(root, "cli", "src", "main.ts");
    const demo = spawn(process.execPath, [main, "demo", "--json", "--yes", "--scenario", names.join(",")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [out, [code]] = await Promise.all([text(demo.stdout), once(demo, "exit")]);
    const last: unknown = JSON.parse(out.trim().split("\n").at(-1) ?? "");
    const summary = Summary.safeParse(last);
    if (!summary.success) throw new Error(`no summary: ${JSON.stringify(last)}`);
    const { scenarios, ok } = summary.data;
    expect(scenarios.flatMap(({ scenario, wrong }) => wrong.map((what) => `${scenario}: ${what}`))).toEqual([]);
    expect(scenarios.map(({ scenario }) => scenario)).toEqual(names);
    for (const { roots, tickets } of scenarios) {
      expect(tickets).toBe(roots.length);
      for (const { fault, rootCause, action } of roots) {
        expect([fault, rootCause.category, ...(action === null ? [] : [action])].join(" ")).toBe(
          `${fault} ${told[fault]}`,
        );
      }
    }
    expect(ok).toBe(true);
    expect(code).toBe(0);
  },
  900_000,
);

import { expect, test } from "vitest";
import { runDemo } from "./run-demo.ts";

// Every fault of a TiKV cluster, told by the demo: its root tickets and no others, the right cause, a remedy or none, closed.

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
    const { scenarios, ok, complaints, code } = await runDemo("--yes", "--scenario", names.join(","));
    expect(complaints).toEqual([]);
    expect(scenarios.map(({ scenario }) => scenario)).toEqual(names);
    for (const { roots, tickets, cleared } of scenarios) {
      expect({ tickets, cleared }).toEqual({ tickets: roots.length, cleared: true });
      for (const { fault, rootCause, engine, action } of roots) {
        expect(engine).toBe("playbook");
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

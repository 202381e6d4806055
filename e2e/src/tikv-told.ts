import { expect } from "vitest";
import { runDemo } from "./run-demo.ts";

/** Fault → what its ticket is about, its cause and, where PD can mend it, the action that does. */
const told: Record<string, string> = {
  kill_store: "store_down crashed",
  leave_evict_leader: "forgotten_evict_leader misconfigured undrain_store",
  leader_limit_zero: "scheduling_disabled misconfigured set_leader_schedule_limit",
  fill_disk: "low_disk_space overloaded",
  slow_store: "store_slow overloaded drain_store",
  pause_store: "store_down hung",
  cut_store_from_pd: "store_disconnected unreachable",
  hot_region: "hot_region overloaded split_region",
  kill_pd_leader: "pd_member_down crashed",
  pause_pd_leader: "pd_member_down hung",
  kill_pd: "pd_member_down crashed",
  pause_pd: "pd_member_down hung",
};

/** What a remedy leaves behind, and what puts that right once the fault is over. */
const left: Record<string, string> = { slow_store: "forgotten_evict_leader undrain_store" };

/** Tells these scenarios, and holds each to its root tickets and no others, the right cause, a remedy or none, closed. */
export async function expectTold(...names: string[]): Promise<void> {
  const { scenarios, ok, complaints, code } = await runDemo("--yes", "--scenario", names.join(","));
  expect(complaints).toEqual([]);
  expect(scenarios.map(({ scenario }) => scenario)).toEqual(names);
  for (const { scenario, roots, leftovers, tickets, cleared } of scenarios) {
    expect({ tickets, cleared }).toEqual({ tickets: roots.length + leftovers.length, cleared: true });
    for (const { fault, invariant, rootCause, engine, action, detectMs } of roots) {
      expect(engine).toBe("playbook");
      const words = [fault, invariant, rootCause.category, ...(action === null ? [] : [action])];
      expect(words.join(" ")).toBe(`${fault} ${told[fault]}`);
      // Half of the least that PD itself takes: how fast it is on a quiet machine is the benchmark's affair.
      if (fault === "kill_store") expect(detectMs).toBeLessThan(5_000);
    }
    const words = leftovers.map(({ invariant, action }) => `${invariant} ${action}`);
    expect(words, scenario).toEqual(left[scenario] === undefined ? [] : [left[scenario]]);
  }
  expect(ok).toBe(true);
  expect(code).toBe(0);
}

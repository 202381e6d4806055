import { expect, test } from "vitest";
import { refusedDemo } from "./run-demo.ts";
import { expectTold } from "./tikv-told.ts";

// Every fault of a TiKV cluster, told by the demo. Of stores and PD here, of slowness in `tikv-demo-slow.test.ts`: one demo at
// a time of each, as each is a cluster of its own.

test.each([
  [["kill_store", "leave_evict_leader", "leader_limit_zero", "fill_disk"]],
  [["two_stores_down", "two_pds_down", "store_and_pd_leader_down", "kill_pd"]],
])("%s", async (names) => await expectTold(...names), 600_000);

test("a fault that local processes can't have is refused, and nothing is told of it as if it held", async () => {
  const { said, code } = await refusedDemo("--yes", "--scenario", "cut_pd");
  expect(said).toContain('"code":"FAULT_NOT_HERE"');
  expect(said).toContain("cut_pd can't be done to any of the demo's local processes (pd-1, pd-2, pd-3, tikv-1");
  expect(code).toBe(69);
}, 120_000);

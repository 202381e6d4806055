import { test } from "vitest";
import { expectTold } from "./tikv-told.ts";

// Faults of a TiKV cluster that are told by who waits for whom.

test.each([
  [["slow_store"]],
  [["pause_store", "kill_pd_leader", "pause_pd_leader", "cut_store_from_pd", "pause_pd"]],
  [["hot_region"]],
])("%s", async (names) => await expectTold(...names), 600_000);

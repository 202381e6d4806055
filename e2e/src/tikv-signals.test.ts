import { afterAll, beforeAll, expect, test } from "vitest";
import { TikvStage } from "./tikv.ts";

// Invariants of what PD, Prometheus and stores say of a TiKV cluster fire, hold while that is unseen, and clear.

let stage: TikvStage;
beforeAll(async () => void (stage = await TikvStage.start({ graceScale: 0.1, timeScale: 8 })), 180_000);
afterAll(async () => await stage?.[Symbol.asyncDispose](), 60_000);

const byFault = async (fault: string, target: string, parameters?: Record<string, number>) => {
  const made = await stage.fault(fault, target, parameters);
  return { breakIt: made.begin, mend: made.end };
};

/** Prometheus is dead for a while: what rests on it is unknown. */
const withoutPrometheus = () => ({
  begin: () => stage.stack.member("prometheus").kill(),
  end: () => stage.stack.member("prometheus").restart(),
});

test("store_disconnected: a store is cut off PD and answers", async () => {
  const target = stage.store("tikv-1");
  await stage.through({ invariant: "store_disconnected", target, ...(await byFault("cut_store_from_pd", "tikv-1")) });
});

test("store_slow: a disk is slow", async () => {
  const target = stage.store("tikv-2");
  await stage.through({ invariant: "store_slow", target, ...(await byFault("slow_store", "tikv-2")) });
});

test("high_latency: what a slow store serves takes long, which store_slow explains", async () => {
  await stage.through({
    invariant: "high_latency",
    target: stage.store("tikv-3"),
    symptomOf: "store_slow",
    blind: withoutPrometheus(),
    firesWithinMs: 150_000,
    ...(await byFault("slow_store", "tikv-3", { latencyMs: 2_000 })),
  });
}, 400_000);

test("low_disk_space: a disk is nearly full", async () => {
  const target = stage.store("tikv-1");
  await stage.through({ invariant: "low_disk_space", target, ...(await byFault("fill_disk", "tikv-1")) });
});

test("scheduling_disabled: PD may move no leaders", async () => {
  const target = "cluster";
  await stage.through({ invariant: "scheduling_disabled", target, ...(await byFault("leader_limit_zero", "cluster")) });
});

test("forgotten_evict_leader: an eviction is left behind", async () => {
  const target = stage.store("tikv-2");
  await stage.through({
    invariant: "forgotten_evict_leader",
    target,
    ...(await byFault("leave_evict_leader", "tikv-2")),
  });
});

test("hot_region: one region gets most of the writes", async () => {
  await stage.through({
    invariant: "hot_region",
    ...(await byFault("hot_region", "busiest-region", { putsPerS: 20_000 })),
  });
});

test("Prometheus away: one ticket about the source, and what rests on others goes on", async () => {
  const { witness, stack } = stage;
  const before = new Set(witness.ticketIds());
  const blind = withoutPrometheus();
  await blind.begin();
  await witness.opens("source_blind", "prometheus");
  const store = stack.member("tikv-3");
  await store.kill();
  await witness.opens("store_down", stage.store("tikv-3"));
  const resting = ["under_replicated_regions", "leaderless_regions", "high_latency"];
  const statesOf = (rules: readonly string[]) =>
    new Set(witness.verdicts?.lines.filter((line) => rules.includes(line.invariant)).map(({ state }) => state));
  const areUnknown = () => [...statesOf(resting)].join() === "unknown";
  await witness.throughout("what rests on Prometheus is unknown", areUnknown, 3_000);
  expect([...statesOf(["low_disk_space", "scheduling_disabled", "pd_no_leader"])]).toEqual(["ok"]);
  await store.restart();
  await blind.end();
  await witness.closes("source_blind", "prometheus");
  await witness.closes("store_down", stage.store("tikv-3"));
  await witness.allWell(120_000);
  const opened = witness.ticketIds().filter((id) => !before.has(id));
  expect(new Set(opened.map((id) => id.split(".")[1]))).toEqual(new Set(["source_blind", "store_down"]));
  expect(opened).toHaveLength(2);
});

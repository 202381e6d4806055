import { TargetName, SourceName } from "@operator/contracts/names";
import type { Detail } from "@operator/contracts/violation";
import { examineExplanations, examineInvariants, examineTopology } from "@operator/subject/exam-rules";
import { frameworkExplanations } from "@operator/subject/framework";
import type { Symptom } from "@operator/subject/topology";
import { expect, test } from "vitest";
import { four, members, one, regions, stateOf, stores } from "./cluster.fixture.ts";
import { invariants } from "./invariants.ts";
import { state } from "./state.ts";
import { topology } from "./topology.ts";

test("rules and explanations keep what every room promises", () => {
  expect(examineInvariants(invariants, state)).toEqual([]);
  expect(examineExplanations(invariants, topology.explanations)).toEqual([]);
  expect(examineTopology(topology)).toEqual([]);
});

test("the cluster needs PD and its stores, a store PD, a hot region the store that leads it first", () => {
  const write = regions("written", { writtenKeys: 90_000, leader: four });
  const targets = topology.targets(stateOf({ hot: { cluster: { write, lately: ["region-18", "region-7"] } } }));
  expect(targets).toEqual([
    { name: "cluster", kind: "cluster", dependsOn: [...members, ...stores] },
    ...members.map((name) => ({ name, kind: "pd", dependsOn: [] })),
    ...stores.map((name) => ({ name, kind: "store", dependsOn: [...members] })),
    { name: "region-18", kind: "region", dependsOn: [four, one, stores[2]] },
    { name: "region-7", kind: "region", dependsOn: [] },
  ]);
});

test("a tombstone and a member that was removed are no part of it any more", () => {
  const world = {
    stores: { [one]: { state: "Tombstone" } },
    members: { cluster: { members: { "pd-1": { url: "http://127.0.0.1:1" } } } },
  };
  expect(topology.targets(stateOf(world)).map(({ name }) => name)).toEqual(["cluster", "pd-1", four, stores[2]]);
  const unlisted = { members: { cluster: { members: {}, isListed: false } } };
  expect(topology.targets(stateOf(unlisted)).filter(({ kind }) => kind === "pd")).toHaveLength(3);
});

const blind = (source: string, about: string): Symptom => {
  const detail: Detail = { kind: "blind", source: SourceName.parse(source), about: TargetName.parse(about), code: "X" };
  return { invariant: "source_blind", target: source === about ? source : `${source}-${about}`, detail };
};
const broken = (invariant: string, target: string): Symptom => ({
  invariant,
  target,
  detail: { kind: "state", value: "broken", expected: "well" },
});

/** What is left when everything that something else explains is taken away. */
function rootsOf(symptoms: Symptom[]): string[] {
  const all = [...topology.explanations, ...frameworkExplanations];
  const isExplained = (effect: Symptom) =>
    symptoms.some(
      (cause) =>
        cause !== effect &&
        all.some((one) => one.cause === cause.invariant && one.effect === effect.invariant && one.joins(cause, effect)),
    );
  return symptoms.filter((one) => !isExplained(one)).map(({ invariant, target }) => `${invariant} ${target}`);
}

test.each<[string, Symptom[], string[]]>([
  [
    "a store that was killed",
    [broken("store_down", one), broken("store_slow", one), broken("store_disconnected", one), broken("leaderless_regions", "cluster"), broken("high_latency", "cluster"), broken("high_latency", four), broken("under_replicated_regions", "cluster"), broken("leader_imbalance", "cluster"), blind("prometheus", one)],
    [`store_down ${one}`],
  ],
  [
    "two stores of three",
    [broken("store_down", one), broken("store_down", four), broken("quorum_lost", "cluster"), broken("leaderless_regions", "cluster")],
    [`store_down ${one}`, `store_down ${four}`],
  ],
  [
    "PD's leader, which hangs",
    [broken("pd_member_down", "pd-1"), broken("pd_no_leader", "cluster"), blind("stores", "stores"), blind("stores", one), blind("hot", "cluster"), blind("prometheus", "pd-1")],
    ["pd_member_down pd-1"],
  ],
  [
    "two PD members of three",
    [broken("pd_member_down", "pd-1"), broken("pd_member_down", "pd-2"), broken("pd_no_leader", "cluster"), blind("schedule", "cluster"), blind("operators", "cluster"), blind("prometheus", "cluster")],
    ["pd_member_down pd-1", "pd_member_down pd-2"],
  ],
  [
    "a store that was down doesn't explain that another is slow, or cut off, or unread",
    [broken("store_down", one), broken("store_slow", four), broken("store_disconnected", four), blind("prometheus", four)],
    [`store_down ${one}`, `store_slow ${four}`, `store_disconnected ${four}`, `source_blind prometheus-${four}`],
  ],
  [
    "Prometheus away is one blindness, whatever else is broken",
    [broken("store_disconnected", one), broken("scheduling_disabled", "cluster"), blind("prometheus", "prometheus"), blind("prometheus", one), blind("prometheus", "cluster")],
    [`store_disconnected ${one}`, "scheduling_disabled cluster", "source_blind prometheus"],
  ],
  ["what nobody sees while PD has no leader", [broken("pd_no_leader", "cluster"), broken("leaderless_regions", "cluster"), broken("under_replicated_regions", "cluster"), broken("leader_imbalance", "cluster")], ["pd_no_leader cluster"]],
  ["writes that wait for a quorum", [broken("quorum_lost", "cluster"), broken("high_latency", four)], ["quorum_lost cluster"]],
  ["a store that may have lost its way to clients as well as to PD", [broken("store_disconnected", one), broken("high_latency", one), broken("high_latency", four)], [`store_disconnected ${one}`, `high_latency ${four}`]],
  ["a slow store", [broken("store_slow", one), broken("high_latency", one), broken("high_latency", "cluster"), broken("leader_imbalance", "cluster")], [`store_slow ${one}`]],
  ["a full disk", [broken("low_disk_space", one), broken("under_replicated_regions", "cluster"), broken("leader_imbalance", "cluster")], [`low_disk_space ${one}`]],
  ["a limit at 0", [broken("scheduling_disabled", "cluster"), broken("under_replicated_regions", "cluster"), broken("leader_imbalance", "cluster")], ["scheduling_disabled cluster"]],
  ["a scheduler left behind", [broken("forgotten_evict_leader", one), broken("leader_imbalance", "cluster")], [`forgotten_evict_leader ${one}`]],
  ["a store that is cut off from PD", [broken("store_disconnected", one), broken("leader_imbalance", "cluster"), broken("under_replicated_regions", "cluster")], [`store_disconnected ${one}`]],
  ["a lost leader doesn't explain that members aren't read", [broken("pd_no_leader", "cluster"), blind("members", "cluster")], ["pd_no_leader cluster", "source_blind members-cluster"]],
])("tickets are opened for the fault alone: %s", (_, symptoms, roots) => {
  expect(rootsOf(symptoms)).toEqual(roots);
}); // prettier-ignore

test("what a dead store led is explained until an election of 20 s, a scrape in 15 s and three verdicts are over", () => {
  const [leaderless] = topology.explanations.filter(
    ({ cause, effect }) => cause === "store_down" && effect === "leaderless_regions",
  );
  expect(leaderless?.tailMs).toBeGreaterThanOrEqual(20_000 + 15_000 + 3_000);
});

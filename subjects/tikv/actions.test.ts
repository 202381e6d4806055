import { examineActions } from "@operator/subject/exam-actions";
import { expect, test } from "vitest";
import { ask, stateWith } from "./action-state.fixture.ts";
import { actions } from "./actions.ts";
import { invariants } from "./invariants.ts";
import type { State } from "./state.ts";

type Change = (state: Required<State>) => void;

const scheduled =
  (changes: Partial<NonNullable<State["schedule"]>[string]>): Change =>
  (state) => {
    const schedule = state.schedule["cluster"];
    if (schedule) state.schedule["cluster"] = { ...schedule, ...changes };
  };
const stored =
  (store: string, changes: Partial<NonNullable<State["stores"]>[string]>): Change =>
  (state) => {
    const reading = state.stores[store];
    if (reading) state.stores[store] = { ...reading, ...changes };
  };
const silent =
  (target: string): Change =>
  (state) =>
    void (state.probe[target] = { state: "refused", sinceMs: 5, address: `${target}:1` });
const leaderless: Change = (state) => void delete state.members["cluster"]?.leader;
const without =
  (source: keyof State, target: string): Change =>
  (state) =>
    void delete state[source][target];
const led =
  (leader: string | undefined, sizeMiB = 5): Change =>
  (state) => {
    const [region] = state.hot["cluster"]?.write ?? [];
    if (!region) return;
    const { leader: _, ...rest } = region;
    state.hot["cluster"] = {
      write: [{ ...rest, sizeMiB, ...(leader !== undefined && { leader }) }],
      read: [],
      lately: [],
    };
  };
const busy: Change = (state) =>
  void (state.operators["cluster"] = {
    count: 1,
    running: [{ region: "region-5", desc: "balance-leader", brief: "transfer leader: store 1 to 2" }],
  });
const both =
  (first: Change, second: Change): Change =>
  (state) => {
    first(state);
    second(state);
  };
const drained = scheduled({ evictLeader: ["store-7"], schedulers: ["evict-leader-scheduler"] });

const to = (toStore: string, regionId = "5") => ({ regionId, toStore });
const transfer = (change: Change, code?: string, parameters = to("store-2"), target = "region-5") =>
  ["transfer_leader", target, parameters, change, code] as const;
const well: Change = () => {};

test.each<[string, readonly [name: string, target: string, parameters: object, change: Change, code?: string | undefined]]>([
  ["a region is led by another of its stores", transfer(well)],
  ["not when the id is another region's", transfer(well, "REGION_DIFFERS", to("store-2", "18"))],
  ["not when nothing is known of the region", transfer(well, "REGION_UNKNOWN", to("store-2", "99"), "region-99")],
  ["not by a store without a replica", transfer(well, "STORE_WITHOUT_REPLICA", to("store-9"))],
  ["not by the store that leads it", transfer(well, "LEADS_ALREADY", to("store-1"))],
  ["not by a store that PD no longer lists", transfer(without("stores", "store-2"), "STORE_UNFIT")],
  ["not by a store that is Disconnected", transfer(stored("store-2", { state: "Disconnected" }), "STORE_UNFIT")],
  ["not by a store that died, and that PD calls Up", transfer(silent("store-2"), "STORE_UNFIT")],
  ["not by a store that was never probed", transfer(without("probe", "store-2"), "STORE_UNFIT")],
  ["not by a store that is drained", transfer(scheduled({ evictLeader: ["store-2"] }), "STORE_UNFIT")],
  ["not while who is drained isn't known", transfer(without("schedule", "cluster"), "STORE_UNFIT")],
  ["not by a store that is catching up", transfer(stored("store-2", { isBusy: true }), "STORE_UNFIT")],
  ["not by a slow store", transfer(stored("store-2", { slowScore: 80 }), "STORE_UNFIT")],
  ["not while PD has no leader", transfer(leaderless, "PD_NO_LEADER")],
  ["not while PD does something with it", transfer(busy, "OPERATOR_RUNNING")],

  ["a region is split", ["split_region", "region-5", {}, well]],
  ["not when nothing is known of it", ["split_region", "region-99", {}, well, "REGION_UNKNOWN"]],
  ["not when nobody leads it", ["split_region", "region-5", {}, led(undefined), "REGION_WITHOUT_LEADER"]],
  ["not when there's nothing to split", ["split_region", "region-5", {}, led("store-1", 1), "REGION_TOO_SMALL"]],
  ["not while PD has no leader", ["split_region", "region-5", {}, leaderless, "PD_NO_LEADER"]],
  ["not while PD does something with it", ["split_region", "region-5", {}, busy, "OPERATOR_RUNNING"]],

  ["a store is drained", ["drain_store", "store-7", {}, well]],
  ["not a store that PD doesn't list", ["drain_store", "store-9", {}, well, "STORE_UNKNOWN"]],
  ["not without a word on the schedule", ["drain_store", "store-7", {}, without("schedule", "cluster"), "STORE_UNKNOWN"]],
  ["not a store that doesn't answer", ["drain_store", "store-7", {}, silent("store-7"), "STORE_NOT_UP"]],
  ["not a store that is being decommissioned", ["drain_store", "store-7", {}, stored("store-7", { state: "Offline" }), "STORE_NOT_UP"]],
  ["not a second time", ["drain_store", "store-7", {}, drained, "DRAIN_RUNNING"]],
  ["not while another one is", ["drain_store", "store-1", {}, drained, "DRAIN_RUNNING"]],
  ["not with a leader-schedule-limit of 0", ["drain_store", "store-7", {}, scheduled({ leaderScheduleLimit: 0 }), "DRAIN_WITHOUT_EFFECT"]],
  ["not with a leader-schedule-limit that isn't known", ["drain_store", "store-7", {}, (state) => void delete state.schedule["cluster"]?.leaderScheduleLimit, "DRAIN_WITHOUT_EFFECT"]],
  ["not while scheduling is halted", ["drain_store", "store-7", {}, scheduled({ haltScheduling: true }), "DRAIN_WITHOUT_EFFECT"]],
  ["not with one more store down", ["drain_store", "store-7", {}, silent("store-1"), "TOO_FEW_STORES"]],
  ["not with one more store Disconnected", ["drain_store", "store-7", {}, stored("store-1", { state: "Disconnected" }), "TOO_FEW_STORES"]],
  ["not with five replicas on three stores", ["drain_store", "store-7", {}, scheduled({ maxReplicas: 5 }), "TOO_FEW_STORES"]],
  ["a slow store is drained: that is what it's for", ["drain_store", "store-7", {}, stored("store-7", { slowScore: 90 })]],
  ["not while PD has no leader", ["drain_store", "store-7", {}, leaderless, "PD_NO_LEADER"]],

  ["a drained store leads again", ["undrain_store", "store-7", {}, drained]],
  ["not one that isn't drained", ["undrain_store", "store-1", {}, drained, "NOT_DRAINED"]],
  ["not one that doesn't answer", ["undrain_store", "store-7", {}, both(drained, silent("store-7")), "STORE_NOT_UP"]],
  ["not one that PD calls Disconnected", ["undrain_store", "store-7", {}, both(drained, stored("store-7", { state: "Disconnected" })), "STORE_NOT_UP"]],
  ["not one that PD no longer lists", ["undrain_store", "store-7", {}, both(drained, without("stores", "store-7")), "STORE_NOT_UP"]],
  ["not one that is catching up after a restart", ["undrain_store", "store-7", {}, both(drained, stored("store-7", { isBusy: true })), "STORE_NOT_UP"]],
  ["a slow store leads again", ["undrain_store", "store-7", {}, both(drained, stored("store-7", { slowScore: 90 }))]],
  ["not while PD has no leader", ["undrain_store", "store-7", {}, both(drained, leaderless), "PD_NO_LEADER"]],

  ["a scheduler that somebody added is removed", ["remove_scheduler", "cluster", { name: "evict-leader-scheduler" }, drained]],
  ["not one that there isn't", ["remove_scheduler", "cluster", { name: "shuffle-leader-scheduler" }, well, "SCHEDULER_UNKNOWN"]],
  ["not one of PD's own", ["remove_scheduler", "cluster", { name: "balance-leader-scheduler" }, well, "SCHEDULER_KEPT"]],
  ["not while PD has no leader", ["remove_scheduler", "cluster", { name: "evict-leader-scheduler" }, both(drained, leaderless), "PD_NO_LEADER"]],

  ["a limit of 0 is lifted", ["set_leader_schedule_limit", "cluster", { limit: 4 }, scheduled({ leaderScheduleLimit: 0 })]],
  ["not when it's so already", ["set_leader_schedule_limit", "cluster", { limit: 4 }, well, "LIMIT_IN_FORCE"]],
  ["each limit is its own", ["set_region_schedule_limit", "cluster", { limit: 2_048 }, well, "LIMIT_IN_FORCE"]],
  ["each limit is its own", ["set_replica_schedule_limit", "cluster", { limit: 64 }, well, "LIMIT_IN_FORCE"]],
  ["not when the old one isn't known", ["set_replica_schedule_limit", "cluster", { limit: 64 }, without("schedule", "cluster"), "LIMIT_UNKNOWN"]],
  ["not while PD has no leader", ["set_region_schedule_limit", "cluster", { limit: 4 }, leaderless, "PD_NO_LEADER"]],

  ["the threshold is raised", ["set_low_space_threshold", "cluster", { percent: 85 }, well]],
  ["not when it's so already", ["set_low_space_threshold", "cluster", { percent: 80 }, well, "LIMIT_IN_FORCE"]],
  ["not to where PD counts a store as empty", ["set_low_space_threshold", "cluster", { percent: 70 }, well, "THRESHOLD_TOO_LOW"]],
  ["not when it isn't known", ["set_low_space_threshold", "cluster", { percent: 85 }, without("schedule", "cluster"), "LIMIT_UNKNOWN"]],
  ["not while PD has no leader", ["set_low_space_threshold", "cluster", { percent: 85 }, leaderless, "PD_NO_LEADER"]],

  ["PD's leader hands over", ["resign_pd_leader", "pd-2", {}, well]],
  ["nobody else does", ["resign_pd_leader", "pd-1", {}, well, "NOT_THE_LEADER"]],
  ["nobody does while there is none", ["resign_pd_leader", "pd-2", {}, leaderless, "NOT_THE_LEADER"]],
  ["one of two others may be away", ["resign_pd_leader", "pd-2", {}, (state) => void (state.members["cluster"]!.answers["pd-1"] = { code: "TIMEOUT" })]],
  ["of five members two others have to follow", ["resign_pd_leader", "pd-2", {}, (state) => {
    const reading = state.members["cluster"]!;
    for (const name of ["pd-4", "pd-5"]) reading.members[name] = { name, url: "http://x:1" };
    for (const name of ["pd-1", "pd-4", "pd-5"]) reading.answers[name] = { code: "TIMEOUT" };
  }, "TOO_FEW_MEMBERS"]],
  ["not both", ["resign_pd_leader", "pd-2", {}, (state) => void (state.members["cluster"]!.answers = { "pd-2": { leader: "pd-2" }, "pd-1": { leader: "pd-1" } }), "TOO_FEW_MEMBERS"]],
])("%s", (_, [name, target, parameters, change, code]) => {
  const { action, given } = ask(name, stateWith(change), target, parameters);
  expect(action.guard(given)?.code).toBe(code);
}); // prettier-ignore

const others = ["label", "random-merge", "shuffle-hot-region", "shuffle-leader", "shuffle-region"];
const own = ["balance-leader", "balance-region", "balance-hot-region", "evict-slow-store", "evict-stopping-store"];
test.each([
  ...["evict-leader", "grant-leader", ...others].map((name) => [`${name}-scheduler`, "is", undefined] as const),
  ...own.map((name) => [`${name}-scheduler`, "isn't", "SCHEDULER_KEPT"] as const),
])("%s %s removed where PD has it", (name, _, code) => {
  const { action, given } = ask("remove_scheduler", stateWith(scheduled({ schedulers: [name] })), "cluster", { name });
  expect(action.guard(given)?.code).toBe(code);
});

/** By the code with which the schema refuses it. */
test.each([
  ["an id that isn't written as PD does", "transfer_leader", to("store-2", "05"), "invalid_format"],
  ["an id longer than PD's", "transfer_leader", to("store-2", "1".repeat(21)), "invalid_format"],
  ["a store by its id alone", "transfer_leader", to("2"), "invalid_format"],
  ["no store", "transfer_leader", { regionId: "5" }, "invalid_type"],
  ["a limit of 0 leaders", "set_leader_schedule_limit", { limit: 0 }, "too_small"],
  ["a limit of leaders that no cluster stands", "set_leader_schedule_limit", { limit: 257 }, "too_big"],
  ["a limit of 0 regions", "set_region_schedule_limit", { limit: 0 }, "too_small"],
  ["a limit of regions that no cluster stands", "set_region_schedule_limit", { limit: 4_097 }, "too_big"],
  ["a limit of 0 replicas", "set_replica_schedule_limit", { limit: 0 }, "too_small"],
  ["a limit of replicas that no cluster stands", "set_replica_schedule_limit", { limit: 1_025 }, "too_big"],
  ["half a replica", "set_replica_schedule_limit", { limit: 1.5 }, "invalid_type"],
  ["a threshold that leaves no room", "set_low_space_threshold", { percent: 96 }, "too_big"],
  ["a threshold that wastes half of the space", "set_low_space_threshold", { percent: 49 }, "too_small"],
  ["half a percent", "set_low_space_threshold", { percent: 80.5 }, "invalid_type"],
  ["a scheduler without a name", "remove_scheduler", { name: "" }, "too_small"],
  ["a scheduler with an endless name", "remove_scheduler", { name: "a".repeat(65) }, "too_big"],
  ["what a drain isn't asked for", "drain_store", { force: true }, "unrecognized_keys"],
  ["what an undrain isn't asked for", "undrain_store", { force: true }, "unrecognized_keys"],
  ["a place to split at", "split_region", { at: "7480" }, "unrecognized_keys"],
  ["a successor", "resign_pd_leader", { to: "pd-3" }, "unrecognized_keys"],
  ["what a limit isn't asked for", "set_region_schedule_limit", { limit: 4, force: true }, "unrecognized_keys"],
])("%s is no parameter", (_, name, parameters, code) => {
  const { error } = actions.find((action) => action.name === name)?.parameters.safeParse(parameters) ?? {};
  expect(error?.issues[0]?.code).toBe(code);
});

test.each([
  ["transfer_leader", to("store-2", "18446744073709551557")],
  ["set_leader_schedule_limit", { limit: 1 }],
  ["set_leader_schedule_limit", { limit: 256 }],
  ["set_region_schedule_limit", { limit: 4_096 }],
  ["set_replica_schedule_limit", { limit: 1_024 }],
  ["set_low_space_threshold", { percent: 50 }],
  ["set_low_space_threshold", { percent: 95 }],
  ["split_region", {}],
])("%s takes %j", (name, parameters) => {
  expect(ask(name, stateWith(), "cluster", parameters).given.parameters).toEqual(parameters);
});

test.each([
  ["transfer_leader", "region-5", to("store-2"), led("store-2"), true],
  ["transfer_leader", "region-5", to("store-2"), well, undefined],
  ["split_region", "region-5", {}, well, undefined],
  ["drain_store", "store-7", {}, drained, true],
  ["drain_store", "store-7", {}, well, undefined],
  ["undrain_store", "store-7", {}, well, true],
  ["undrain_store", "store-7", {}, drained, undefined],
  ["undrain_store", "store-7", {}, without("schedule", "cluster"), undefined],
  ["remove_scheduler", "cluster", { name: "evict-leader-scheduler" }, well, true],
  ["remove_scheduler", "cluster", { name: "evict-leader-scheduler" }, drained, undefined],
  ["set_leader_schedule_limit", "cluster", { limit: 4 }, well, true],
  ["set_leader_schedule_limit", "cluster", { limit: 5 }, well, undefined],
  ["set_low_space_threshold", "cluster", { percent: 80 }, well, true],
  ["set_low_space_threshold", "cluster", { percent: 85 }, well, undefined],
  ["resign_pd_leader", "pd-1", {}, well, true],
  ["resign_pd_leader", "pd-2", {}, well, false],
  ["resign_pd_leader", "pd-2", {}, leaderless, undefined],
] as const)("whether %s of %s with %j took effect is read back", (name, target, parameters, change, isDone) => {
  const { action, given } = ask(name, stateWith(change), target, parameters);
  expect(action.isDone(given)).toBe(isDone);
});

/** What a guard reads, as `stores:store-7`: without it the actuator begins nothing. */
test.each([
  ["transfer_leader", "region-5", ["members:cluster", "hot:cluster", "operators:cluster", "schedule:cluster"]],
  ["split_region", "region-5", ["members:cluster", "hot:cluster", "operators:cluster"]],
  ["drain_store", "store-7", ["members:cluster", "schedule:cluster", "stores:store-7", "probe:store-7"]],
  ["undrain_store", "store-7", ["members:cluster", "schedule:cluster", "stores:store-7", "probe:store-7"]],
  ["remove_scheduler", "cluster", ["members:cluster", "schedule:cluster"]],
  ["set_leader_schedule_limit", "cluster", ["members:cluster", "schedule:cluster"]],
  ["set_low_space_threshold", "cluster", ["members:cluster", "schedule:cluster"]],
  ["resign_pd_leader", "pd-2", ["members:cluster", "probe:pd-2"]],
])("%s of %s waits until what its guard reads is seen", (name, target, needed) => {
  const needs = actions.find((action) => action.name === name)?.needs(target) ?? [];
  expect(needs.map((need) => `${need.source}:${need.target}`)).toEqual(needed);
});

test("each action is about targets that the state names, and passes the exam beside this room's invariants", () => {
  const targets = Object.fromEntries(actions.map((action) => [action.name, action.targets(stateWith())]));
  const regions = ["region-5", "region-18"];
  const all = ["store-1", "store-2", "store-7"];
  expect(targets).toEqual({
    transfer_leader: regions,
    split_region: regions,
    drain_store: all,
    undrain_store: all,
    remove_scheduler: ["cluster"],
    set_leader_schedule_limit: ["cluster"],
    set_region_schedule_limit: ["cluster"],
    set_replica_schedule_limit: ["cluster"],
    set_low_space_threshold: ["cluster"],
    resign_pd_leader: ["pd-1", "pd-2", "pd-3"],
  });
  expect(examineActions(actions, invariants)).toEqual([]);
});

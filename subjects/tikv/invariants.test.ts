import { allFresh } from "@operator/subject/invariant";
import { expect, test } from "vitest";
import { big, down, four, nowMs, one, regions, stateOf, stores, type World, wordOf } from "./cluster.fixture.ts";
import { invariants } from "./invariants.ts";
import type { State } from "./state.ts";

/** e.g. `violated refused`: what the invariant says of the target in a cluster in which this differs. */
function judged(name: string, target: string, world: World, isFresh = allFresh): string {
  const invariant = invariants.find((each) => each.name === name);
  if (!invariant) throw new Error(`there is no invariant ${name}`);
  return wordOf(invariant.judge(stateOf(world), target, nowMs, isFresh));
}

const newLeader = { members: { cluster: { leaderSinceMs: nowMs - 19_000 } } };
const noLeader = { members: { cluster: { leader: null } } };

test("a well cluster breaks nothing, and nothing of it is unknown", () => {
  const state = stateOf();
  const lines = invariants.flatMap((invariant) =>
    invariant
      .targets(state)
      .map((target) => [invariant.name, target, invariant.judge(state, target, nowMs, allFresh)] as const),
  );
  expect(lines.length).toBeGreaterThan(25);
  expect(lines.filter(([, , { verdict }]) => verdict !== "ok")).toEqual([]);
});

test("each target of a well cluster has what its rules need", () => {
  const state = stateOf();
  for (const invariant of invariants) {
    for (const target of invariant.targets(state)) {
      for (const need of invariant.needs(target)) {
        const readings = Object.entries(state).find(([source]) => source === need.source)?.[1];
        expect(Object.keys(readings ?? {}), `${invariant.name} of ${target}`).toContain(need.target);
      }
    }
  }
});

type Row = [sentence: string, invariant: string, target: string, World, expected: string];

const ofStores: Row[] = [
  ["a killed store is down at once, whatever PD says", "store_down", one, { probe: { [one]: down("refused", 5) } }, "violated refused"],
  ["so is a paused one", "store_down", one, { probe: { [one]: down("silent", 5) } }, "violated silent"],
  ["also while PD has no leader", "store_down", one, { probe: { [one]: down("refused") }, ...noLeader }, "violated refused"],
  ["and one that PD doesn't list", "store_down", "store-9", { probe: { "store-9": { ...down("refused"), address: "127.0.0.1:1" } } }, "violated refused"],
  ["a store that PD says is disconnected and that answers isn't down", "store_down", one, { stores: { [one]: { state: "Disconnected" } } }, "ok up"],
  ["a store that is being decommissioned owes no answer", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { state: "Offline", nodeState: "Removing" } } }, "ok Offline"],
  ["a store that PD lists and nobody probed", "store_down", one, { probe: { [one]: null } }, "unknown"],
  ["a new store that nobody has heard of is starting", "store_down", one, { probe: { [one]: { ...down("refused"), lastAnswerAtMs: null } }, stores: { [one]: { state: "Down", lastHeartbeatMs: null } } }, "unknown"],
  ["one that reports to PD before its status port is open is starting", "store_down", one, { probe: { [one]: { ...down("refused"), lastAnswerAtMs: null } }, stores: { [one]: { startedAtMs: nowMs - 19_000 } } }, "unknown"],
  ["not for long", "store_down", one, { probe: { [one]: { ...down("refused"), lastAnswerAtMs: null } }, stores: { [one]: { startedAtMs: nowMs - 20_000 } } }, "violated refused"],
  ["and one that answered since has died", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { startedAtMs: nowMs - 19_000 } } }, "violated refused"],
  ["a new store that answered before is down", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { state: "Down", lastHeartbeatMs: null } } }, "violated refused"],
  ["a store that was heard of before is down, also for an observer that never reached it", "store_down", one, { probe: { [one]: { ...down("refused"), lastAnswerAtMs: null } } }, "violated refused"],

  ["a store that answers and that PD has lost is cut off from PD", "store_disconnected", one, { stores: { [one]: { state: "Disconnected", lastHeartbeatMs: nowMs - 22_000 } } }, "violated Disconnected"],
  ["so it is after half an hour", "store_disconnected", one, { stores: { [one]: { state: "Down", lastHeartbeatMs: nowMs - 1_900_000 } } }, "violated Down"],
  ["after a PD leader change all stores seem disconnected", "store_disconnected", one, { stores: { [one]: { state: "Disconnected" } }, ...newLeader }, "unknown"],
  ["without a PD leader its last word is old", "store_disconnected", one, { stores: { [one]: { state: "Disconnected" } }, ...noLeader }, "unknown"],
  ["a store that doesn't answer either is down, not cut off", "store_disconnected", one, { stores: { [one]: { state: "Disconnected" } }, probe: { [one]: down("refused", 60_000) } }, "unknown"],
  ["a store that came back has 20 s to report", "store_disconnected", one, { stores: { [one]: { state: "Disconnected" } }, probe: { [one]: { sinceMs: nowMs - 19_000 } } }, "unknown"],
  ["a new store is Down until its first heartbeat", "store_disconnected", one, { stores: { [one]: { state: "Down", lastHeartbeatMs: null } } }, "unknown"],
  ["a store whose probe was never read", "store_disconnected", one, { stores: { [one]: { state: "Disconnected" } }, probe: { [one]: null } }, "unknown"],

  ["a slow disk", "store_slow", one, { stores: { [one]: { slowScore: 60 } } }, "violated 60"],
  ["a slow disk of a store that was drained keeps nobody waiting", "store_slow", one, { stores: { [one]: { slowScore: 60, leaderCount: 0 } }, schedule: { cluster: { evictLeader: [one] } } }, "ok drained"],
  ["nor before its requests of the last minute were quick: nobody else is to tell of them", "store_slow", one, { stores: { [one]: { slowScore: 60, leaderCount: 0 } }, prometheus: { [one]: { p99Ms: 400 } }, schedule: { cluster: { evictLeader: [one] } } }, "unknown"],
  ["one that still leads does", "store_slow", one, { stores: { [one]: { slowScore: 60, leaderCount: 1 } }, schedule: { cluster: { evictLeader: [one] } } }, "violated 60"],
  ["one that leads nothing for another reason is told of", "store_slow", one, { stores: { [one]: { slowScore: 60, leaderCount: 0 } } }, "violated 60"],
  ["a score of 10 is slow", "store_slow", one, { stores: { [one]: { slowScore: 10 } } }, "violated 10"],
  ["a disk that was slow once", "store_slow", one, { stores: { [one]: { slowScore: 9 } } }, "ok 9"],
  ["a disk that was slow before PD's leader changed", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, ...newLeader }, "unknown"],
  ["two others find the network to it slower than before", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 7, rose: 6 }, [big]: { score: 32, rose: 31 } } } } }, "violated 32"],
  ["one other alone may itself be the slow one", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 50, rose: 49 } } } } }, "ok 1"],
  ["one other is all there is while the third is away", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 50, rose: 49 } } }, [big]: { state: "Disconnected" } } }, "violated 50"],
  ["two scores that fall are history", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 80, rose: 0 }, [big]: { score: 70, rose: 0 } } } } }, "ok 1"],
  ["a store that hangs is down, not slow", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 7, rose: 6 }, [big]: { score: 32, rose: 31 } } } }, probe: { [one]: down("silent", 60_000) } }, "unknown"],
  ["what the others say of a store that is just back is about before", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 98, rose: 6 }, [big]: { score: 99, rose: 3 } } } }, probe: { [one]: { sinceMs: nowMs - 29_000 } } }, "unknown"],
  ["its own disk is slow now", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, probe: { [one]: { sinceMs: nowMs - 1_000 } } }, "violated 60"],
  ["a store that nobody probed may be down", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, probe: { [one]: null } }, "unknown"],
  ["scores at the top can't rise: nobody can tell", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 99, rose: 0 }, [big]: { score: 95, rose: 0 } } } } }, "unknown"],
  ["a score at the top counts beside one that rises", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 99, rose: 0 }, [big]: { score: 32, rose: 31 } } } } }, "violated 99"],
  ["a score of 1 is a well network", "store_slow", one, { stores: { [one]: { blamedBy: { [four]: { score: 1, rose: 1 }, [big]: { score: 1, rose: 1 } } } } }, "ok 1"],
  ["a store whose requests were slow a moment ago isn't well yet", "store_slow", one, { prometheus: { [one]: { p99Ms: 400 } } }, "unknown"],
  ["a new store hasn't told how quick it is", "store_slow", one, { stores: { [one]: { lastHeartbeatMs: null, slowScore: null } } }, "unknown"],

  ["a disk that is nearly full", "low_disk_space", one, { stores: { [one]: { availableBytes: 5 * 1024 ** 3 } } }, "violated 95"],
  ["70 % is enough room", "low_disk_space", one, { stores: { [one]: { availableBytes: 30 * 1024 ** 3 } } }, "ok 70"],
  ["what others wrote on the disk counts as well", "low_disk_space", one, { stores: { [one]: { availableBytes: 10 * 1024 ** 3, usedBytes: 0 } } }, "violated 90"],
  ["a new store has no disk yet", "low_disk_space", one, { stores: { [one]: { capacityBytes: 0, availableBytes: 0 } } }, "unknown"],
  ["a new PD leader knows no sizes", "low_disk_space", one, { stores: { [one]: { availableBytes: 5 * 1024 ** 3 } }, ...newLeader }, "unknown"],
]; // prettier-ignore

const ofPd: Row[] = [
  ["a PD member whose port refuses", "pd_member_down", "pd-2", { probe: { "pd-2": down("refused", 5) } }, "violated refused"],
  ["a PD member that hangs", "pd_member_down", "pd-1", { probe: { "pd-1": down("silent") } }, "violated silent"],
  ["a member that PD lists and nobody probed", "pd_member_down", "pd-2", { probe: { "pd-2": null } }, "unknown"],

  ["members that name nobody", "pd_no_leader", "cluster", { members: { cluster: { leader: null, answers: { "pd-1": { code: "ErrRedirect" }, "pd-3": { code: "TIMEOUT" } } } } }, "violated none"],
  ["a leader that two of three name", "pd_no_leader", "cluster", { members: { cluster: { answers: { "pd-1": { leader: "pd-1" }, "pd-2": { leader: "pd-1" }, "pd-3": { code: "TIMEOUT" } } } } }, "ok pd-1"],
  ["a leader that names itself alone proves nothing", "pd_no_leader", "cluster", { members: { cluster: { answers: { "pd-1": { leader: "pd-1" } } } } }, "unknown"],
  ["members that were never asked", "pd_no_leader", "cluster", { members: { cluster: null } }, "unknown"],
]; // prettier-ignore

const ofLatency: Row[] = [
  ["a slow store", "high_latency", one, { prometheus: { [one]: { p99Ms: 650 }, cluster: { p99Ms: 400 } } }, "violated 650"],
  ["which isn't said once more of the cluster", "high_latency", "cluster", { prometheus: { [one]: { p99Ms: 650 }, cluster: { p99Ms: 400 } } }, "unknown"],
  ["two slow stores of three are a case of the cluster", "high_latency", "cluster", { prometheus: { [one]: { p99Ms: 650 }, [four]: { p99Ms: 650 }, cluster: { p99Ms: 640 } } }, "violated 640"],
  ["which isn't said once more of each", "high_latency", one, { prometheus: { [one]: { p99Ms: 650 }, [four]: { p99Ms: 650 }, cluster: { p99Ms: 640 } } }, "unknown"],
  ["but where the cluster's own is not known", "high_latency", one, { prometheus: { [one]: { p99Ms: 650 }, [four]: { p99Ms: 650 }, cluster: { p99Ms: null } } }, "violated 650"],
  ["a slow cluster of quick stores", "high_latency", "cluster", { prometheus: { cluster: { p99Ms: 140 } } }, "violated 140"],
  ["100 ms is fast enough", "high_latency", one, { prometheus: { [one]: { p99Ms: 100 } } }, "ok 100"],
  ["one slow request of a few is no quantile", "high_latency", one, { prometheus: { [one]: { p99Ms: 650, requestsPerS: 1.9 } } }, "unknown"],
  ["a store that nobody asks", "high_latency", one, { prometheus: { [one]: { p99Ms: null, requestsPerS: 0 } } }, "unknown"],
  ["a store that was drained isn't asked", "high_latency", one, { prometheus: { [one]: { p99Ms: null, requestsPerS: 0 } }, stores: { [one]: { leaderCount: 0 } }, schedule: { cluster: { evictLeader: [one] } } }, "ok drained"],
  ["nor is it known of one while PD's leader is new", "high_latency", one, { prometheus: { [one]: { p99Ms: null, requestsPerS: 0 } }, stores: { [one]: { leaderCount: 0 } }, schedule: { cluster: { evictLeader: [one] } }, ...newLeader }, "unknown"],
  ["but who is asked all the same is judged", "high_latency", one, { prometheus: { [one]: { p99Ms: 650 } }, stores: { [one]: { leaderCount: 0 } }, schedule: { cluster: { evictLeader: [one] } } }, "violated 650"],
  ["and one whose scrape fails isn't known to be", "high_latency", one, { prometheus: { [one]: { isScraped: false } }, stores: { [one]: { leaderCount: 0 } }, schedule: { cluster: { evictLeader: [one] } } }, "unknown"],
  ["numbers of a store whose scrape fails are old", "high_latency", one, { prometheus: { [one]: { p99Ms: 650, isScraped: false } } }, "unknown"],
  ["a store that Prometheus was never asked about", "high_latency", one, { prometheus: { [one]: null } }, "unknown"],
]; // prettier-ignore

const health = (changes: Record<string, number>) => ({ miss: 0, down: 0, pending: 0, offline: 0, ...changes });
const ofRegions: Row[] = [
  ["regions with a down peer", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: health({ down: 9 }) } } }, "violated 9"],
  ["and with one that is missing", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: health({ down: 9, miss: 2 }) } } }, "violated 11"],
  ["a decommission leaves no region without a replica", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: health({ offline: 30 }) } } }, "ok 0"],
  ["a count that is absent isn't 0", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: { miss: 0 } } } }, "unknown"],
  ["no counts at all", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: null } } }, "unknown"],
  ["followers count 0 while PD has no leader", "under_replicated_regions", "cluster", noLeader, "unknown"],
  ["and while it's new", "under_replicated_regions", "cluster", newLeader, "unknown"],
  ["and while its leader isn't scraped", "under_replicated_regions", "cluster", { prometheus: { "pd-1": { isScraped: false } } }, "unknown"],

  ["or Prometheus doesn't know it", "under_replicated_regions", "cluster", { prometheus: { "pd-1": null } }, "unknown"],

  ["regions that no store leads", "leaderless_regions", "cluster", { prometheus: { [one]: { leaders: 3 } } }, "violated 7"],
  ["leaders that are counted twice for a moment", "leaderless_regions", "cluster", { prometheus: { [one]: { leaders: 14 } } }, "ok 0"],
  ["a dead store's leaders are nobody's until others are elected", "leaderless_regions", "cluster", { probe: { [one]: down("refused") }, prometheus: { [one]: { isScraped: false, leaders: null } } }, "violated 10"],
  ["what Prometheus has of a dead store doesn't count", "leaderless_regions", "cluster", { probe: { [one]: down("silent") } }, "violated 10"],
  ["a store that answers and isn't scraped", "leaderless_regions", "cluster", { prometheus: { [one]: { isScraped: false, leaders: null } } }, "unknown"],
  ["a store whose last count is old", "leaderless_regions", "cluster", { prometheus: { [one]: { isScraped: false } } }, "unknown"],
  ["a store whose leaders Prometheus doesn't have", "leaderless_regions", "cluster", { prometheus: { [one]: { leaders: null } } }, "unknown"],
  ["a store that Prometheus doesn't know of", "leaderless_regions", "cluster", { prometheus: { [one]: null } }, "unknown"],
  ["no count of regions", "leaderless_regions", "cluster", { prometheus: { cluster: { regionCount: null } } }, "unknown"],
  ["PD's count while its leader is new", "leaderless_regions", "cluster", { prometheus: { [one]: { leaders: 3 } }, ...newLeader }, "unknown"],
]; // prettier-ignore

const twoDead = { [one]: down("refused"), [four]: down("silent") };
const fourth = {
  "store-5": {
    id: "5",
    address: "127.0.0.1:5",
    state: "Up",
    lastHeartbeatMs: nowMs - 1,
    leaderCount: 0,
    regionCount: 0,
  },
};
const fourthUp = { "store-5": { state: "up", sinceMs: 0, address: "127.0.0.1:5" } };
const longDead = { [one]: down("refused", 31_000), [four]: down("silent", 31_000), ...fourthUp };
const fourthScraped = { "store-5": { isScraped: true, leaders: 0 } };
const ofQuorum: Row[] = [
  ["two dead of three", "quorum_lost", "cluster", { probe: twoDead }, "violated lost"],
  ["also while PD is away", "quorum_lost", "cluster", { probe: twoDead, ...noLeader }, "violated lost"],
  ["one dead of three", "quorum_lost", "cluster", { probe: { [one]: down("refused") } }, "ok a quorum"],
  ["two dead of three that would hold five replicas", "quorum_lost", "cluster", { probe: twoDead, schedule: { cluster: { maxReplicas: 5 } } }, "violated lost"],
  ["two dead of four, and elections may be under way", "quorum_lost", "cluster", { stores: fourth, probe: { ...twoDead, ...fourthUp }, prometheus: fourthScraped }, "unknown"],
  ["two dead of four, and regions stay without a leader", "quorum_lost", "cluster", { stores: fourth, probe: longDead, prometheus: fourthScraped }, "violated lost"],
  ["two dead of four, and all regions are led", "quorum_lost", "cluster", { stores: fourth, probe: longDead, prometheus: { ...fourthScraped, [big]: { leaders: 30 } } }, "ok a quorum"],
  ["two dead of four, and PD's count of regions is old", "quorum_lost", "cluster", { stores: fourth, probe: longDead, prometheus: fourthScraped, ...newLeader }, "unknown"],
  ["one dead and one that nobody probed", "quorum_lost", "cluster", { probe: { [one]: down("refused", 31_000), [four]: null } }, "unknown"],
  ["a tombstone isn't missed", "quorum_lost", "cluster", { stores: { ...fourth, "store-5": { ...fourth["store-5"], state: "Tombstone" } }, probe: { [one]: down("refused") } }, "ok a quorum"],
  ["a cluster of one store", "quorum_lost", "cluster", { stores: { [four]: null, [big]: null } }, "ok a quorum"],
  ["replicas that nobody has counted", "quorum_lost", "cluster", { probe: twoDead, schedule: { cluster: null } }, "unknown"],
]; // prettier-ignore

const ofScheduling: Row[] = [
  ["a limit at 0", "scheduling_disabled", "cluster", { schedule: { cluster: { leaderScheduleLimit: 0 } } }, "violated leader-schedule-limit is 0"],
  ["all of it halted", "scheduling_disabled", "cluster", { schedule: { cluster: { haltScheduling: true } } }, "violated halt-scheduling is set"],
  ["a paused scheduler", "scheduling_disabled", "cluster", { schedule: { cluster: { paused: ["balance-leader-scheduler"] } } }, "violated balance-leader-scheduler is paused"],
  ["merging switched off harms nobody", "scheduling_disabled", "cluster", { schedule: { cluster: { mergeScheduleLimit: 0 } } }, "ok scheduling"],
  ["a limit that PD doesn't tell", "scheduling_disabled", "cluster", { schedule: { cluster: { replicaScheduleLimit: null } } }, "unknown"],
  ["a new PD leader knows no schedulers", "scheduling_disabled", "cluster", { schedule: { cluster: { schedulers: [] } } }, "unknown"],
  ["and its word is awaited", "scheduling_disabled", "cluster", { schedule: { cluster: { leaderScheduleLimit: 0 } }, ...newLeader }, "unknown"],
  ["a schedule that was never read", "scheduling_disabled", "cluster", { schedule: { cluster: null } }, "unknown"],

  ["a store that is kept from leading", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } } }, "violated evicted"],
  ["the others may", "forgotten_evict_leader", four, { schedule: { cluster: { evictLeader: [one] } } }, "ok may lead"],
  ["one that is down may be at work on", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, probe: { [one]: down("refused") } }, "unknown"],
  ["one that is just back, and catches up, may be", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, stores: { [one]: { isBusy: true } } }, "unknown"],
  ["and one of which PD hasn't heard since", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, stores: { [one]: { state: "Disconnected" } } }, "unknown"],
  ["one with a slow disk was drained for that", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, stores: { [one]: { slowScore: 10 } } }, "unknown"],
  ["until it's quick", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, stores: { [one]: { slowScore: 9 } } }, "violated evicted"],
  ["one that is being decommissioned isn't to lead", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, stores: { [one]: { state: "Offline" } } }, "ok Offline"],
  ["a new PD leader knows of no schedulers, nor of this one", "forgotten_evict_leader", one, { schedule: { cluster: { schedulers: [] } } }, "unknown"],
  ["and its word is awaited", "forgotten_evict_leader", one, newLeader, "unknown"],
  ["a store that nobody probed", "forgotten_evict_leader", one, { schedule: { cluster: { evictLeader: [one] } }, probe: { [one]: null } }, "unknown"],
]; // prettier-ignore

const apart = { [one]: { leaderCount: 0 }, [four]: { leaderCount: 15 }, [big]: { leaderCount: 15 } };
const ofBalance: Row[] = [
  ["a store that leads nothing", "leader_imbalance", "cluster", { stores: apart }, "violated 15"],
  ["a few leaders apart is chance", "leader_imbalance", "cluster", { stores: { [one]: { leaderCount: 5 }, [four]: { leaderCount: 15 } } }, "ok 10"],
  ["a few in a hundred are no imbalance", "leader_imbalance", "cluster", { stores: { [one]: { leaderCount: 80 }, [four]: { leaderCount: 120 }, [big]: { leaderCount: 100 } } }, "ok 40"],
  ["more than half of the mean is one", "leader_imbalance", "cluster", { stores: { [one]: { leaderCount: 74 }, [four]: { leaderCount: 126 }, [big]: { leaderCount: 100 } } }, "violated 52"],
  ["who is kept from leading isn't missed", "leader_imbalance", "cluster", { stores: apart, schedule: { cluster: { evictLeader: [one] } } }, "ok 0"],
  ["nor who is down", "leader_imbalance", "cluster", { stores: apart, probe: { [one]: down("refused") } }, "ok 0"],
  ["nor who is leaving", "leader_imbalance", "cluster", { stores: { ...apart, [one]: { leaderCount: 0, state: "Offline" } } }, "ok 0"],
  ["PD doesn't know yet who leads", "leader_imbalance", "cluster", { stores: { [one]: { leaderCount: 0 }, [four]: { leaderCount: 11 } } }, "unknown"],
  ["a new PD leader", "leader_imbalance", "cluster", { stores: apart, ...newLeader }, "unknown"],
  ["one that may lead alone", "leader_imbalance", "cluster", { schedule: { cluster: { evictLeader: [one, four] } } }, "unknown"],
  ["a PD that knows no schedulers yet", "leader_imbalance", "cluster", { stores: apart, schedule: { cluster: { schedulers: [] } } }, "unknown"],
]; // prettier-ignore

const hot = { region: "region-18", writtenKeys: 120_000, writtenBytes: 120_000_000 };
const ofHeat: Row[] = [
  ["a region with most of the writes", "hot_region", "region-18", { hot: { cluster: { write: regions("written", hot) } } }, "violated 97"],
  ["a region with most of the reads", "hot_region", "region-18", { hot: { cluster: { read: regions("read", { readKeys: 60_000 }) } } }, "violated 93"],
  ["large values count by their bytes", "hot_region", "region-18", { hot: { cluster: { write: regions("written", { writtenKeys: 700, writtenBytes: 100_000_000 }) } } }, "violated 96"],
  ["most of next to nothing is no heat", "hot_region", "region-18", { hot: { cluster: { write: regions("written", { writtenKeys: 29_000 }) } } }, "ok 0"],
  ["much beside others that do as much is no heat", "hot_region", "region-18", { hot: { cluster: { write: regions("written", hot, hot, hot) } } }, "ok 0"],
  ["all of it in a cluster of one region is no heat", "hot_region", "region-18", { hot: { cluster: { write: regions("written", hot).slice(0, 3) } } }, "ok 0"],
  ["a region that has left the lists is well", "hot_region", "region-99", { hot: { cluster: { lately: ["region-99"] } } }, "ok 0"],
  ["half of it is", "hot_region", "region-18", { hot: { cluster: { write: regions("written", { writtenKeys: 40_000 }, { writtenKeys: 40_000 }).slice(0, 4).map((each, at) => (at > 1 ? { ...each, writtenKeys: 0 } : each)) } } }, "violated 50"],
  ["flows of a new PD leader", "hot_region", "region-18", { hot: { cluster: { write: regions("written", hot) } }, ...newLeader }, "unknown"],
  ["lists that were never read", "hot_region", "region-18", { hot: { cluster: null } }, "unknown"],
]; // prettier-ignore

test.each([...ofStores, ...ofPd, ...ofLatency, ...ofRegions, ...ofQuorum, ...ofScheduling, ...ofBalance, ...ofHeat])(
  "%s: %s of %s",
  (_, name, target, world, expected) => {
    expect(judged(name, target, world)).toBe(expected);
  },
);

test("PD's word counts again 20 s after its leader changed", () => {
  const since = (ledMs: number) => ({
    stores: { [one]: { slowScore: 60 } },
    members: { cluster: { leaderSinceMs: nowMs - ledMs } },
  });
  expect(judged("store_slow", one, since(19_999))).toBe("unknown");
  expect(judged("store_slow", one, since(20_000))).toBe("violated 60");
});

// What a rule takes into account without resting on it is the last that was known once its source went blind.

const evicted = { schedule: { cluster: { evictLeader: [one] } } };
const drained = { ...evicted, stores: { [one]: { leaderCount: 0 } } };
const unasked = { prometheus: { [one]: { p99Ms: null, requestsPerS: 0 } } };
type Stale = [sentence: string, invariant: string, target: string, World, source: string, expected: string];
const stale: Stale[] = [
  ["leaders that PD counted before it was lost are no spread", "leader_imbalance", "cluster", { stores: apart }, "stores", "unknown"],
  ["nor is their evenness", "leader_imbalance", "cluster", {}, "stores", "unknown"],
  ["nor is it known who answers", "leader_imbalance", "cluster", {}, "probe", "unknown"],
  ["stores that answered once are no quorum", "quorum_lost", "cluster", {}, "probe", "unknown"],
  ["nor have stores that were dead once lost it", "quorum_lost", "cluster", { probe: twoDead }, "probe", "unknown"],
  ["that Prometheus saw slow requests once keeps no store slow", "store_slow", one, { prometheus: { [one]: { p99Ms: 400 } } }, "prometheus", "ok 1"],
  ["nor a drained one", "store_slow", one, { ...drained, prometheus: { [one]: { p99Ms: 400 } } }, "prometheus", "ok drained"],
  ["a store was drained when PD's schedule was last read", "high_latency", one, { ...drained, ...unasked }, "schedule", "unknown"],
  ["or led nothing then", "high_latency", one, { ...drained, ...unasked }, "stores", "unknown"],
  ["or PD had that leader then", "high_latency", one, { ...drained, ...unasked }, "members", "unknown"],
]; // prettier-ignore

test.each(stale)("%s: %s of %s", (_, name, target, world, lost, expected) => {
  expect(judged(name, target, world, (source) => source !== lost)).toBe(expected);
});

test("a store that PD lists as a tombstone has left, for every rule about stores", () => {
  const tombstone = { stores: { [one]: { state: "Tombstone", nodeState: "Removed" } }, probe: { [one]: null } };
  const prometheus = { [one]: null };
  for (const invariant of invariants.filter(({ targets }) => targets(stateOf()).includes(one))) {
    expect(invariant.left?.says(stateOf(tombstone), one), invariant.name).toBe(true);
    expect(invariant.left?.says(stateOf(), one), invariant.name).toBe(false);
    expect(invariant.targets(stateOf({ ...tombstone, prometheus })), invariant.name).not.toContain(one);
  }
});

test("a PD member has left when PD's own list says so, not when that wasn't read", () => {
  const left = invariants.find(({ name }) => name === "pd_member_down")?.left;
  const url = "http://127.0.0.1:1";
  const listed = (isListed: boolean) =>
    stateOf({ members: { cluster: { isListed, members: { "pd-1": { url }, "pd-2": { url } } } } });
  expect(left?.says(listed(true), "pd-3")).toBe(true);
  expect(left?.says(listed(true), "pd-2")).toBe(false);
  expect(left?.says(listed(false), "pd-3")).toBe(false);
});

// An observer that starts before PD answers reads none of them, and names them from then on.
test("what stands for the list of stores has left once stores are known, and not before", () => {
  const says = (world: State) => invariants.some(({ left }) => left?.says(world, "store-list") === true);
  expect(says(stateOf())).toBe(true);
  expect(says({ ...stateOf(), stores: {} })).toBe(false);
  const needed = invariants.flatMap(({ left }) => left?.needs("store-list") ?? []);
  expect(needed).not.toContainEqual({ source: "stores", target: "store-list" });
});

// Asked of every target that any source reads, e.g. of `prometheus-cluster`: else nobody would be told that a source is blind.
test("no rule says of another kind of target that it has left", () => {
  const world = stateOf();
  for (const target of [...stores, "pd-1", "cluster", "prometheus"]) {
    const said = invariants.flatMap(({ name, left }) => (left?.says(world, target) === true ? [name] : []));
    expect(said, target).toEqual([]);
  }
});

test("a region is a target while it's hot and ten minutes on, and then it has left", () => {
  const heat = invariants.find(({ name }) => name === "hot_region");
  const now = stateOf({ hot: { cluster: { write: regions("written", hot), lately: ["region-18", "region-7"] } } });
  expect(heat?.targets(now)).toEqual(["region-18", "region-7"]);
  expect(["region-18", "region-7", "region-8"].map((region) => heat?.left?.says(now, region))).toEqual([
    false,
    false,
    true,
  ]);
});

test("who a rule says is down is said with PD's word and the failure's code", () => {
  const world = { probe: { [one]: down("refused") } };
  const judgement = invariants.find(({ name }) => name === "store_down")?.judge(stateOf(world), one, nowMs, allFresh);
  expect(judgement).toMatchObject({
    reason: "store-1 refuses connections (ECONNREFUSED); last answer 5.2 s ago; PD's last word is Up",
    detail: { kind: "unreachable", how: "refused", silentMs: 5_200 },
  });
  expect(stores).toContain(one);
});

import { lineOf } from "@operator/evidence/case.fixture";
import { catalogueOf } from "@operator/evidence/catalogue";
import { renderDiagnosis } from "@operator/evidence/render";
import { validate } from "@operator/evidence/validate";
import type { Answer } from "@operator/contracts/diagnosis";
import type { Detail } from "@operator/contracts/violation";
import type { CaseFile, RecentAction } from "@operator/subject/case-file";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actions } from "./actions.ts";
import {
  big,
  type Differing,
  down,
  four,
  members,
  nowMs,
  one,
  regions,
  stores,
  type World,
} from "./cluster.fixture.ts";
import { invariants } from "./invariants.ts";
import { playbook, playbookName } from "./playbook.ts";
import { caseIn } from "./playbook.fixture.ts";

const gib = 1024 ** 3;
const gone = { ...down("silent"), code: "TIMEOUT_CLOSED" };
const every = (of: readonly string[], differs: Differing) => Object.fromEntries(of.map((target) => [target, differs]));
const allSilent = { probe: every([...stores, ...members], down("silent")) };
const unled = { leader: null, answers: { "pd-2": { code: "ErrRedirect" }, "pd-3": { code: "ErrRedirect" } } };
const blamed = { [four]: { score: 32, rose: 31 }, [big]: { score: 50, rose: 49 } };
const blamesBack = {
  [one]: { blamedBy: blamed },
  [four]: { blamedBy: { [one]: { score: 90, rose: 80 } } },
  [big]: { blamedBy: { [one]: { score: 90, rose: 80 } } },
};
const lost = { state: "Disconnected", lastHeartbeatMs: nowMs - 22_000 };
const hot = { writtenKeys: 120_000, writtenBytes: 120_000_000 };
const heat = { cluster: { write: regions("written", hot), lately: ["region-18"] } };
const small = { cluster: { write: regions("written", { ...hot, sizeMiB: 1 }), lately: ["region-18"] } };
const full = { availableBytes: 5 * gib, usedBytes: 94 * gib };
const apart = { [one]: { leaderCount: 0 }, [four]: { leaderCount: 15 }, [big]: { leaderCount: 15 } };
const quiet = {
  state: "Up",
  lastHeartbeatMs: nowMs - 1_000,
  capacityBytes: 100 * gib,
  availableBytes: 90 * gib,
  regionCount: 30,
  leaderCount: 0,
};
const fourth = { "store-5": { id: "5", address: "127.0.0.1:5", ...quiet } };
const fourthUp = { "store-5": { state: "up", sinceMs: 0, address: "127.0.0.1:5" } };
const filling = { availableBytes: 26 * gib, usedBytes: 70 * gib };
const evicted = { schedule: { cluster: { evictLeader: [one] } } }; // prettier-ignore

type Row = [sentence: string, invariant: string, target: string, World, expected: string];
const rows: Row[] = [
  ["a store whose port refuses has crashed", "store_down", one, { probe: { [one]: down("refused") } }, "fault: crashed store-1"],
  ["a store that is silent while others answer hangs", "store_down", one, { probe: { [one]: down("silent") } }, "fault: hung store-1"],
  ["a store that closed its connection and is silent is gone", "store_down", one, { probe: { [one]: gone } }, "fault: crashed store-1"],
  ["a silent store when nothing answers is out of reach", "store_down", one, allSilent, "fault: unreachable store-1"],
  ["a store that led nothing any more when it ended was restarted", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { leaderCount: 0 } } }, "no_fault: none store-1"],
  ["so was one that had been drained", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { leaderCount: 0 } }, ...evicted }, "no_fault: none store-1"],
  ["one whose leaders PD's new leader doesn't know yet, nor the others', may have had some", "store_down", one, { probe: { [one]: down("refused") }, stores: every(stores, { leaderCount: 0 }), members: { cluster: { leaderSinceMs: nowMs - 30_000 } } }, "fault: crashed store-1"],
  ["one that had just started had been given none yet", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { leaderCount: 0, startedAtMs: nowMs - 20_000 } } }, "fault: crashed store-1"],
  ["nor had one that was catching up", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { leaderCount: 0, isBusy: true } } }, "fault: crashed store-1"],
  ["a store without any regions leads none, and has crashed", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { leaderCount: 0, regionCount: 0 } } }, "fault: crashed store-1"],
  ["a drained store that is silent hangs all the same", "store_down", one, { probe: { [one]: down("silent") }, stores: { [one]: { leaderCount: 0 } }, ...evicted }, "fault: hung store-1"],

  ["a PD member whose port refuses has crashed", "pd_member_down", "pd-2", { probe: { "pd-2": down("refused") } }, "fault: crashed pd-2"],
  ["PD's leader that is silent hangs", "pd_member_down", "pd-1", { probe: { "pd-1": down("silent") }, members: { cluster: unled } }, "fault: hung pd-1"],
  ["no leader, as it was killed", "pd_no_leader", "cluster", { probe: { "pd-1": down("refused") }, members: { cluster: unled } }, "fault: crashed pd-1"],
  ["no leader, as it hangs", "pd_no_leader", "cluster", { probe: { "pd-1": down("silent") }, members: { cluster: unled } }, "fault: hung pd-1"],
  ["no leader, as two of three are dead", "pd_no_leader", "cluster", { probe: { "pd-1": down("refused"), "pd-3": down("refused") }, members: { cluster: unled } }, "fault: crashed pd-1, crashed pd-3"],
  ["no leader though all answer", "pd_no_leader", "cluster", { members: { cluster: unled } }, "fault: unreachable cluster"],

  ["two stores of three", "quorum_lost", "cluster", { probe: { [one]: down("refused"), [four]: down("silent") } }, "fault: crashed store-1, hung store-4"],
  ["regions without a leader beside dead stores", "leaderless_regions", "cluster", { probe: { [one]: down("refused"), [four]: down("refused") } }, "fault: crashed store-1, crashed store-4"],
  ["regions without a leader though every store answers", "leaderless_regions", "cluster", { prometheus: { [one]: { leaders: 3 } } }, "unknown"],

  ["a store that answers and that PD has lost", "store_disconnected", one, { stores: { [one]: lost } }, "fault: unreachable store-1"],
  ["stores that PD has all lost: it's the way to PD's leader", "store_disconnected", one, { stores: every(stores, lost) }, "fault: unreachable pd-1"],

  ["a slow disk", "store_slow", one, { stores: { [one]: { slowScore: 60 } } }, "fault: overloaded store-1, drain_store store-1"],
  ["a slow disk of a store that is drained already", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, ...evicted }, "fault: overloaded store-1"],
  ["a slow disk while another is drained", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, schedule: { cluster: { evictLeader: [four] } } }, "fault: overloaded store-1"],
  ["a slow disk while PD may move no leaders", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, schedule: { cluster: { leaderScheduleLimit: 0 } } }, "fault: overloaded store-1"],
  ["a slow disk while another store is down", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, probe: { [four]: down("refused") } }, "fault: overloaded store-1"],
  ["a slow disk while all scheduling is halted", "store_slow", one, { stores: { [one]: { slowScore: 60 } }, schedule: { cluster: { haltScheduling: true } } }, "fault: overloaded store-1"],
  ["a slow disk while PD has lost another store", "store_slow", one, { stores: { [one]: { slowScore: 60 }, [four]: { state: "Disconnected" } } }, "fault: overloaded store-1"],
  ["a slow disk while another store is catching up", "store_slow", one, { stores: { [one]: { slowScore: 60 }, [four]: { isBusy: true } } }, "fault: overloaded store-1"],
  ["a slow disk while another one is slow too", "store_slow", one, { stores: { [one]: { slowScore: 60 }, [four]: { slowScore: 40 } } }, "fault: overloaded store-1"],
  ["a slow disk in a cluster of two", "store_slow", one, { stores: { [one]: { slowScore: 60 }, [big]: null }, probe: { [big]: null } }, "fault: overloaded store-1"],
  ["a slow network: each side finds the other slow", "store_slow", one, { stores: blamesBack }, "fault: unreachable store-1, drain_store store-1"],
  ["a store that hangs by half: only the others find it slow", "store_slow", one, { stores: { [one]: { blamedBy: blamed } } }, "fault: hung store-1, drain_store store-1"],

  ["latency beside a dead store", "high_latency", "cluster", { prometheus: { cluster: { p99Ms: 300 } }, probe: { [four]: down("refused") } }, "fault: crashed store-4"],
  ["latency beside a store that was stopped as it's being decommissioned", "high_latency", one, { prometheus: { [one]: { p99Ms: 400 } }, stores: { [one]: { slowScore: 40 }, [four]: { state: "Offline" } }, probe: { [four]: down("refused") } }, "fault: overloaded store-1"],
  ["latency of a slow disk", "high_latency", one, { prometheus: { [one]: { p99Ms: 400 } }, stores: { [one]: { slowScore: 40 } } }, "fault: overloaded store-1, drain_store store-1"],
  ["latency of a log that is written slowly", "high_latency", one, { prometheus: { [one]: { p99Ms: 400, appendLogP99Ms: 300 } } }, "fault: overloaded store-1, drain_store store-1"],
  ["latency of the store that leads a hot region", "high_latency", one, { prometheus: { [one]: { p99Ms: 400 } }, hot: heat }, "fault: overloaded store-1"],
  ["latency of the cluster beside a hot region", "high_latency", "cluster", { prometheus: { cluster: { p99Ms: 400 } }, hot: heat }, "fault: overloaded store-1"],
  ["latency of a store that another one's hot region doesn't touch", "high_latency", four, { prometheus: { [four]: { p99Ms: 700, commitLogP99Ms: 740 } }, hot: heat }, "fault: overloaded store-4, drain_store store-4"],
  ["one slow store with a quick disk is starved", "high_latency", one, { prometheus: { [one]: { p99Ms: 700, commitLogP99Ms: 740 } } }, "fault: overloaded store-1, drain_store store-1"],
  ["one slow store that nothing is to be compared with", "high_latency", one, { stores: { [four]: null, [big]: null }, probe: { [four]: null, [big]: null }, prometheus: { [one]: { p99Ms: 700 }, [four]: null, [big]: null, cluster: { p99Ms: null } } }, "unknown"],
  ["all stores slow at once", "high_latency", "cluster", { prometheus: every([...stores, "cluster"], { p99Ms: 400 }) }, "fault: overloaded cluster"],
  ["requests slow, no store is", "high_latency", "cluster", { prometheus: { cluster: { p99Ms: 140 } } }, "unknown"],

  ["a disk that is nearly full", "low_disk_space", one, { stores: { [one]: full } }, "fault: overloaded store-1"],
  ["a disk that fills up where every store has every region", "low_disk_space", one, { stores: { [one]: filling } }, "fault: overloaded store-1"],
  ["a disk that fills up while nobody else has room", "low_disk_space", one, { stores: { ...every([...stores, "store-5"], filling), "store-5": { ...fourth["store-5"], ...filling } }, probe: fourthUp }, "fault: overloaded store-1"],
  ["a disk that fills up while a fourth store has room", "low_disk_space", one, { stores: { [one]: filling, ...fourth }, probe: fourthUp }, "fault: overloaded store-1, set_low_space_threshold cluster"],

  ["a limit at 0", "scheduling_disabled", "cluster", { schedule: { cluster: { leaderScheduleLimit: 0 } } }, "fault: misconfigured cluster, set_leader_schedule_limit cluster"],
  ["two limits at 0", "scheduling_disabled", "cluster", { schedule: { cluster: { regionScheduleLimit: 0, replicaScheduleLimit: 0 } } }, "fault: misconfigured cluster, set_region_schedule_limit cluster, set_replica_schedule_limit cluster"],
  ["a limit that no action sets", "scheduling_disabled", "cluster", { schedule: { cluster: { hotRegionScheduleLimit: 0 } } }, "fault: misconfigured cluster"],
  ["a paused scheduler", "scheduling_disabled", "cluster", { schedule: { cluster: { paused: ["balance-leader-scheduler"] } } }, "fault: misconfigured cluster"],
  ["all of it halted", "scheduling_disabled", "cluster", { schedule: { cluster: { haltScheduling: true } } }, "fault: misconfigured cluster"],

  ["a store that somebody forgot to undrain", "forgotten_evict_leader", one, { ...evicted, stores: { [one]: { leaderCount: 0 } } }, "fault: misconfigured store-1, undrain_store store-1"],

  ["leaders apart as PD may move none", "leader_imbalance", "cluster", { stores: apart, schedule: { cluster: { leaderScheduleLimit: 0 } } }, "fault: misconfigured cluster, set_leader_schedule_limit cluster"],
  ["leaders apart as nobody spreads them", "leader_imbalance", "cluster", { stores: apart, schedule: { cluster: { schedulers: ["balance-region-scheduler"] } } }, "fault: misconfigured cluster"],
  ["leaders apart as a full store refuses them", "leader_imbalance", "cluster", { stores: { ...apart, [one]: { leaderCount: 0, ...full } } }, "fault: overloaded store-1"],
  ["leaders apart, and a full store that is kept from leading anyway", "leader_imbalance", "cluster", { stores: { [one]: { leaderCount: 0, ...full }, [four]: { leaderCount: 5 }, [big]: { leaderCount: 25 } }, schedule: { cluster: { evictLeader: [one] } } }, "unknown"],
  ["leaders apart, and nothing keeps PD from spreading them", "leader_imbalance", "cluster", { stores: apart }, "unknown"],

  ["replicas that a dead store has", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: { miss: 0, down: 30 } } }, probe: { [one]: down("refused") } }, "fault: crashed store-1"],
  ["replicas of a store that was stopped as it's being decommissioned", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: { miss: 3, down: 0 } } }, stores: { [one]: { state: "Offline" } }, probe: { [one]: down("refused") } }, "unknown"],
  ["replicas that PD may not make", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: { miss: 3, down: 0 } } }, schedule: { cluster: { replicaScheduleLimit: 0 } } }, "fault: misconfigured cluster, set_replica_schedule_limit cluster"],
  ["replicas for which there are too few stores", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: { miss: 30, down: 0 } } }, schedule: { cluster: { maxReplicas: 50 } } }, "fault: misconfigured cluster"],
  ["replicas that PD doesn't make, and nobody can tell why", "under_replicated_regions", "cluster", { prometheus: { cluster: { regionHealth: { miss: 3, down: 0 } } } }, "unknown"],

  ["a hot region", "hot_region", "region-18", { hot: heat }, "fault: overloaded region-18, split_region region-18"],
  ["a hot region too small to be split", "hot_region", "region-18", { hot: small }, "fault: overloaded region-18"],
  ["a hot region whose store is slow by now, and the idlest other one down", "hot_region", "region-18", { hot: heat, prometheus: { [one]: { p99Ms: 400 } }, stores: { [big]: { leaderCount: 4 } }, probe: { [big]: down("refused") } }, `fault: overloaded region-18, split_region region-18, transfer_leader region-18 ${four}`],
  ["a hot region whose store is slow by now, and the idlest other one drained", "hot_region", "region-18", { hot: heat, prometheus: { [one]: { p99Ms: 400 } }, stores: { [big]: { leaderCount: 0 } }, schedule: { cluster: { evictLeader: [big] } } }, `fault: overloaded region-18, split_region region-18, transfer_leader region-18 ${four}`],
  ["a hot region whose store is slow by now, and the idlest other one catching up", "hot_region", "region-18", { hot: heat, prometheus: { [one]: { p99Ms: 400 } }, stores: { [big]: { leaderCount: 0, isBusy: true } } }, `fault: overloaded region-18, split_region region-18, transfer_leader region-18 ${four}`],
  ["a hot region whose store is slow by now", "hot_region", "region-18", { hot: heat, prometheus: { [one]: { p99Ms: 400 } }, stores: { [big]: { leaderCount: 4 } } }, `fault: overloaded region-18, split_region region-18, transfer_leader region-18 ${big}`],
]; // prettier-ignore

describe("what is broken, where, and what is to be done", () => {
  test.each(rows)("%s", (_, invariant, target, world, expected) => {
    const { file, ground, verdict } = caseIn(world, { invariant, target });
    expect(verdict, "the rule itself says that it's broken").toBe("violated");
    const answer = playbook(file);
    expect(summaryOf(answer)).toBe(expected);
    expectSound(answer, file, ground);
  });

  test("among forty other stores the facts still tell it", () => {
    const ids = Array.from({ length: 40 }, (_, at) => `store-${1_000 + at}`);
    const many: World = {
      stores: Object.fromEntries(ids.map((id, at) => [id, { id: `${1_000 + at}`, address: `10.0.0.${at}:20160`, ...quiet, leaderCount: 10, slowScore: 1 }])),
      probe: every(ids, { state: "up", sinceMs: 0, address: "10.0.0.1:1" }),
      prometheus: every(ids, { isScraped: true, leaders: 0, requestsPerS: 100, p99Ms: 5 }),
    }; // prettier-ignore
    const isSmall = (name: string) => ["quorum_lost", "leaderless_regions", "leader_imbalance"].includes(name);
    for (const [sentence, invariant, target, world, expected] of rows.filter(([, name]) => !isSmall(name))) {
      // What these are about is how few stores there are.
      if (/\ball\b|nothing (answers|is to be)|of two|every store|nobody else/.test(sentence)) continue;
      const sources = new Set([...Object.keys(world), ...Object.keys(many)]);
      const part = (from: World, source: string) => Object.entries(from).find(([name]) => name === source)?.[1] ?? {};
      const crowd: World = Object.fromEntries(
        [...sources].map((source) => [source, { ...part(many, source), ...part(world, source) }]),
      );
      const { file, ground } = caseIn(crowd, { invariant, target }, { before: many });
      const answer = playbook(file);
      expect(summaryOf(answer), sentence).toBe(expected);
      expectSound(answer, file, ground);
    }
  });
});

const threshold: Detail = { kind: "threshold", value: 101, limit: 100, unit: "ms" };
test.each<[string, string, string, World]>([
  ["a store that answers", "store_down", one, {}],
  ["a store that is being decommissioned", "store_down", one, { probe: { [one]: down("refused") }, stores: { [one]: { state: "Offline", nodeState: "Removing" } } }],
  ["a PD member that answers", "pd_member_down", "pd-2", {}],
  ["a PD that is led", "pd_no_leader", "cluster", {}],
  ["stores that answer", "quorum_lost", "cluster", {}],
  ["a store that PD says is up", "store_disconnected", one, {}],
  ["a quick store", "store_slow", one, {}],
  ["quick requests", "high_latency", one, {}],
  ["a disk with room", "low_disk_space", one, {}],
  ["regions with all of their replicas", "under_replicated_regions", "cluster", {}],
  ["a PD that may schedule", "scheduling_disabled", "cluster", {}],
  ["a store that may lead", "forgotten_evict_leader", one, {}],
  ["leaders that are spread evenly", "leader_imbalance", "cluster", {}],
  ["a region that isn't among the busiest", "hot_region", "region-7", { hot: { cluster: { lately: ["region-7"] } } }],
])("%s in its own evidence: nothing is broken, and nothing is proposed", (_, invariant, target, world) => {
  const { file, ground } = caseIn(world, { invariant, target }, { detail: threshold });
  const answer = playbook(file);
  expect(summaryOf(answer)).toBe(`no_fault: none ${target}`);
  expectSound(answer, file, ground);
}); // prettier-ignore

test("a killed store is told from a paused one by what refuses, and cites the probe of that very store", () => {
  const { file } = caseIn({ probe: { [one]: down("refused") } }, { invariant: "store_down", target: one });
  const answer = playbook(file);
  expect(citedBy(answer, file)).toEqual([
    "first_bad /parts/probe/store-1/state",
    "first_bad /parts/probe/store-1/code",
    "first_bad /parts/probe/store-1/lastAnswerAtMs",
    "first_bad /parts/stores/store-1/leaderCount",
    "first_bad /parts/stores/store-1/state",
  ]);
  expect(answer.alternatives.map(({ cause }) => cause.category)).toEqual(["hung", "unreachable", "none"]);
  expect(answer.headline).toContain("nothing listens on its port");
});

test("a dead PD member is told with what it was: the leader, or the one whose death takes the quorum", () => {
  const headlineOf = (world: World) => playbook(caseIn(world, { invariant: "pd_member_down", target: "pd-1" }).file).headline;
  const dead = down("refused");
  expect(headlineOf({ probe: { "pd-1": dead }, members: { cluster: unled } })).toMatch(/its port; it led PD$/);
  expect(headlineOf({ probe: { "pd-1": dead, "pd-2": dead } })).toMatch(/its port; PD has lost its quorum$/);
  const pd2 = { leader: "pd-2", answers: every(members, { leader: "pd-2" }) };
  const before: World = { members: { cluster: pd2 } };
  const { file } = caseIn({ probe: { "pd-1": dead }, ...before }, { invariant: "pd_member_down", target: "pd-1" }, { before });
  expect(playbook(file).headline).toMatch(/its port$/);
}); // prettier-ignore

test("a slow network is told from half a hang by whether the store finds the others slow too", () => {
  const both = playbook(caseIn({ stores: blamesBack }, { invariant: "store_slow", target: one }).file);
  const half = playbook(caseIn({ stores: { [one]: { blamedBy: blamed } } }, { invariant: "store_slow", target: one }).file);
  expect(both.evidence.map(({ shows }) => shows)).toContain("how slow store-1 finds the network to store-4");
  expect(half.alternatives[0]).toMatchObject({ cause: { category: "unreachable" }, against: [] });
  expect(half.alternatives[0]?.whyRejected).toContain("Not excluded");
}); // prettier-ignore

test("the old value of a limit is proposed where the last good snapshot has it, else PD's default", () => {
  const about = { invariant: "scheduling_disabled", target: "cluster" };
  const world = { schedule: { cluster: { leaderScheduleLimit: 0 } } };
  const limitOf = (before: World) => playbook(caseIn(world, about, { before }).file).proposals[0]?.parameters;
  expect(limitOf({ schedule: { cluster: { leaderScheduleLimit: 8 } } })).toEqual({ limit: 8 });
  expect(limitOf(world)).toEqual({ limit: 4 });
});

test("PD is told of no threshold below the one from which it counts a store as empty", () => {
  const world = { stores: { [one]: filling, ...fourth }, probe: fourthUp };
  const proposedAt = (highSpaceRatio: number) => {
    const { file } = caseIn({ ...world, schedule: { cluster: { highSpaceRatio } } }, { invariant: "low_disk_space", target: one });
    return playbook(file).proposals.map(({ parameters }) => parameters);
  };
  expect(proposedAt(0.7)).toEqual([{ percent: 74 }]);
  expect(proposedAt(0.75)).toEqual([{ percent: 76 }]);
}); // prettier-ignore

test("a store that PD has lost and that is down by then is down, not cut off", () => {
  const world = { stores: { [one]: lost }, probe: { [one]: down("silent") } };
  const { file, ground } = caseIn(world, { invariant: "store_disconnected", target: one }, { detail: { kind: "state", value: "Disconnected", expected: "Up" } });
  expect(summaryOf(playbook(file))).toBe("fault: hung store-1");
  expectSound(playbook(file), file, ground);
}); // prettier-ignore

test("a slow disk is told from a starved store by how long the log takes", () => {
  const headlineAt = (appendLogP99Ms: number) =>
    playbook(caseIn({ prometheus: { [one]: { p99Ms: 700, appendLogP99Ms } } }, { invariant: "high_latency", target: one }).file).headline;
  expect(headlineAt(300)).toBe("The disk of store-1 is slow: one in a hundred writes to its log takes 300 ms or more");
  expect(headlineAt(3)).toContain("starved");
}); // prettier-ignore

test("the operator's own drain is taken back once its reason is over, and says so", () => {
  const drained = (target: string): RecentAction[] => {
    const ticket = caseIn({}, { invariant: "store_slow", target: one }).ticket.id;
    return [{ ticket, action: "drain_store", target, parameters: {}, state: "verified", atMs: nowMs - 400_000 }];
  };
  const about = { invariant: "forgotten_evict_leader", target: one };
  const answerAfter = (actions: RecentAction[]) =>
    playbook(caseIn({ ...evicted, stores: { [one]: { leaderCount: 0 } } }, about, { actions }).file);
  const ours = answerAfter(drained(one));
  expect(ours.headline).toBe(
    "store-1 is still kept from leading: the operator drained it 7 min ago, and its disk is quick",
  );
  expect(ours.proposals.map(({ action }) => action)).toEqual(["undrain_store"]);
  expect(answerAfter(drained(four)).headline).toBe(
    "store-1 is kept from leading by an evict-leader scheduler that nobody removed",
  );
});

test("what is well again by now is said, and then nothing is proposed", () => {
  for (const [, invariant, target, world] of rows) {
    const lines = [lineOf(invariant, target, "clearing", nowMs + 1_500)];
    const { file, ground } = caseIn(world, { invariant, target }, { lines });
    const answer = playbook(file);
    expect(answer.proposals, invariant).toEqual([]);
    if (answer.verdict === "fault") expect(answer.headline).toContain("well again by now");
    expectSound(answer, file, ground);
  }
});

test("without snapshots the answer is that nobody knows, and what is missing", () => {
  for (const { name } of invariants) {
    const { file, ground } = caseIn({}, { invariant: name, target: one });
    const blank = { ...file, facts: [], topology: [] };
    const answer = playbook(blank);
    expect(answer.verdict, name).toBe("unknown");
    expect(answer.missing, name).not.toEqual([]);
    expect(rejectionsOf(answer, blank, ground)).toEqual([]);
  }
});

test("whatever the snapshots show, the playbook answers, its answer is grounded, and a page can be made of it", () => {
  const probe = fc.constantFrom<Differing | null>({}, down("refused"), down("silent"), gone, null);
  const store = fc.constantFrom<Differing | null>({}, lost, { slowScore: 70 }, full, { blamedBy: blamed }, { leaderCount: 0 }, null);
  const schedule = fc.constantFrom<Differing | null>({}, { leaderScheduleLimit: 0 }, { evictLeader: [one, four] }, { schedulers: [] }, null);
  const prometheus = fc.constantFrom<Differing | null>({}, { p99Ms: 900 }, { isScraped: false }, { leaders: 0 }, null);
  const of = <Value>(value: fc.Arbitrary<Value>, keys: readonly string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] });
  const world: fc.Arbitrary<World> = fc.record({
    probe: of(probe, [...stores, ...members]),
    stores: of(store, stores),
    schedule: of(schedule, ["cluster"]),
    prometheus: of(prometheus, [...stores, "pd-1"]),
    members: of(fc.constantFrom<Differing | null>({}, unled, { isListed: false, members: {} }, null), ["cluster"]),
    hot: of(fc.constantFrom<Differing | null>({}, heat.cluster, small.cluster, { write: [], read: [], lately: [] }, null), ["cluster"]),
  });
  const about = fc.constantFrom(...rows.map(([, invariant, target]) => ({ invariant, target })));
  fc.assert(
    fc.property(world, world, about, fc.constantFrom("firing", "clearing"), (world, before, about, state) => {
      const lines = [lineOf(about.invariant, about.target, state, nowMs + 500)];
      const { file, ground } = caseIn(world, about, { before, lines });
      const answer = playbook(file);
      expect(rejectionsOf(answer, file, ground)).toEqual([]);
      expect(playbook(file)).toEqual(answer);
      expect(renderDiagnosis(diagnosisOf(answer, file))).not.toContain("undefined");
    }),
    { numRuns: 150 },
  );
}); // prettier-ignore

function expectSound(answer: Answer, file: CaseFile, ground: Parameters<typeof validate>[1]): void {
  expect(rejectionsOf(answer, file, ground)).toEqual([]);
  if (answer.verdict === "fault") expect(answer.alternatives, "a cause is told from others").not.toEqual([]);
  for (const { whyRejected } of answer.alternatives) expect(whyRejected).not.toBe("");
  expect(answer.options.filter(({ recommended }) => recommended)).toHaveLength(1);
  for (const { steps } of answer.options) expect(steps).not.toEqual([]);
  expect(answer.verify).not.toEqual([]);
}

function citedBy(answer: Answer, { facts }: CaseFile): string[] {
  const evidence = answer.rootCauses[0]?.evidence ?? [];
  return evidence.flatMap((id) => facts.filter((fact) => fact.id === id)).map(({ snapshot, pointer }) => `${snapshot} ${pointer}`);
} // prettier-ignore

function diagnosisOf(answer: Answer, { facts }: CaseFile) {
  const cited = new Set<string>(answer.evidence.map(({ id }) => id));
  const engine = { kind: "playbook" as const, name: playbookName };
  return { engine, answer, facts: facts.filter(({ id }) => cited.has(id)) };
}

function rejectionsOf(answer: Answer, file: CaseFile, ground: Parameters<typeof validate>[1]) {
  return validate(diagnosisOf(answer, file), { ...ground, ...catalogueOf(actions) });
}

function summaryOf({ verdict, rootCauses, proposals }: Answer): string {
  const causes = rootCauses.map(({ category, target }) => `${category} ${target}`).join(", ");
  const proposed = proposals.map(({ action, target, parameters }) =>
    [`, ${action}`, target, ...(typeof parameters["toStore"] === "string" ? [parameters["toStore"]] : [])].join(" "),
  );
  return `${causes === "" ? verdict : `${verdict}: ${causes}`}${proposed.join("")}`;
}

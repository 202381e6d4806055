import { type Breach, breachMs, caseOf, lineOf } from "@operator/evidence/case.fixture";
import { renderDiagnosis } from "@operator/evidence/render";
import { catalogueOf } from "@operator/evidence/catalogue";
import { validate } from "@operator/evidence/validate";
import type { Json } from "@operator/contracts/json";
import type { Answer } from "@operator/contracts/diagnosis";
import type { CaseFile } from "@operator/subject/case-file";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actions } from "./actions.ts";
import { playbook, playbookName } from "./playbook.ts";
import { caseIn, down, nodes, type World } from "./playbook.fixture.ts";

const nodeDown: Breach = {
  invariant: "node_down",
  target: "node-a",
  pointers: ["/parts/probe/node-a/state", "/parts/probe/node-a/sinceMs"],
};
const redisDown: Breach = {
  invariant: "redis_down",
  target: "redis",
  pointers: ["/parts/probe/redis/state", "/parts/probe/redis/sinceMs"],
};
const redisDisconnected: Breach = {
  invariant: "redis_disconnected",
  target: "node-a",
  detail: { kind: "state", value: "disconnected", expected: "connected" },
  pointers: ["/parts/metrics/node-a/redisConnected"],
};
const highLatency: Breach = {
  invariant: "high_latency",
  target: "node-a",
  detail: { kind: "threshold", value: 240, limit: 100, unit: "ms" },
  pointers: ["/parts/metrics/node-a/latencyP99Ms", "/parts/metrics/node-a/requests"],
};
const counterDrift: Breach = {
  invariant: "counter_drift",
  target: "key-load-1",
  detail: { kind: "threshold", value: 40, limit: 2, unit: "hits" },
  pointers: ["/parts/counters/key-load-1/inRedis", "/parts/counters/key-load-1/admitted"],
};
const overAdmission: Breach = {
  invariant: "over_admission",
  target: "key-load-1",
  detail: { kind: "threshold", value: 60, limit: 20, unit: "hits" },
  pointers: ["/parts/counters/key-load-1/promised/admitted"],
};
const ghostAllowing: Breach = {
  invariant: "ghost_allowing",
  target: "node-a",
  detail: { kind: "state", value: "fail_open", expected: "counted" },
  pointers: ["/parts/metrics/node-a/byFailOpenPerS"],
};
const limitDiffers: Breach = {
  invariant: "limit_differs",
  target: "key-load-1",
  detail: { kind: "state", value: "5 in 10000 ms", expected: "20 in 10000 ms" },
  pointers: ["/parts/counters/key-load-1/applied", "/parts/counters/key-load-1/declared"],
};
const tooMuch = { limit: 20, windowMs: 10_000, by: "declared", admitted: 60, isWhole: true, isHeld: true };
const raised = { limit: 2_000, windowMs: 10_000 };
const lowered = { limit: 5, windowMs: 10_000 };
const unlisted = { members: ["node-b", "node-c"] };
const everyNode = <Value>(value: Value) => Object.fromEntries(nodes.map((node) => [node, value]));
const slow = { latencyP99Ms: 240 };

describe("what is broken, and where", () => {
  const rows: [sentence: string, Breach, World, expected: string][] = [
    ["a node whose port refuses has crashed", nodeDown, { probe: { "node-a": down("refused", "ECONNREFUSED") } }, "fault: crashed node-a, restart_node node-a"],
    ["a node that is silent while others answer hangs", nodeDown, { probe: { "node-a": down("silent", "TIMEOUT") } }, "fault: hung node-a"],
    ["a node that closed its connection and is silent is gone", nodeDown, { probe: { "node-a": down("silent", "TIMEOUT_CLOSED") } }, "fault: crashed node-a, restart_node node-a"],
    ["a silent node when nothing answers is out of reach", nodeDown, { probe: { ...everyNode(down("silent", "TIMEOUT")), redis: down("silent", "TIMEOUT") } }, "fault: unreachable node-a"],
    ["a node that the registry lists as departed was shut down", nodeDown, { probe: { "node-a": down("refused", "ECONNREFUSED") }, registry: { departed: { "node-a": breachMs - 300 }, members: ["node-b", "node-c"] } }, "no_fault: none node-a"],
    ["a node that departed and came back has crashed", nodeDown, { probe: { "node-a": down("refused", "ECONNREFUSED") }, registry: { departed: { "node-a": breachMs - 90_000 } } }, "fault: crashed node-a, restart_node node-a"],
    ["a node that answers in its own evidence isn't down", nodeDown, {}, "no_fault: none node-a"],
    ["a Redis whose port refuses has crashed", redisDown, { probe: { redis: down("refused", "ECONNREFUSED") } }, "fault: crashed redis"],
    ["a Redis that is silent hangs", redisDown, { probe: { redis: down("silent", "TIMEOUT") } }, "fault: hung redis"],
    ["a Redis that closed its connections and is silent is gone", redisDown, { probe: { redis: down("silent", "TIMEOUT_CLOSED") } }, "fault: crashed redis"],
    ["a Redis that answers in its own evidence isn't down", redisDown, {}, "no_fault: none redis"],
    ["one node without Redis is cut off", redisDisconnected, { metrics: { "node-a": { redisConnected: false } } }, "fault: unreachable node-a"],
    ["a node without Redis while Redis is down is its symptom", redisDisconnected, { metrics: everyNode({ redisConnected: false }), probe: { redis: down("refused", "ECONNREFUSED") } }, "fault: crashed redis"],
    ["every node without a Redis that answers: what they share is lost", redisDisconnected, { metrics: everyNode({ redisConnected: false }) }, "fault: unreachable redis"],
    ["every node without a Redis that is loading: it was restarted", redisDisconnected, { metrics: everyNode({ redisConnected: false }), redis: { loading: true } }, "fault: crashed redis"],
    ["a node that has Redis in its own evidence isn't cut off", redisDisconnected, {}, "no_fault: none node-a"],
    ["a slow node whose own probe is slow is overloaded", highLatency, { metrics: { "node-a": slow }, probe: { "node-a": { latencyMs: 180 } } }, "fault: overloaded node-a"],
    ["slow nodes beside a slow Redis: Redis is overloaded", highLatency, { metrics: everyNode(slow), probe: { redis: { latencyMs: 90 } } }, "fault: overloaded redis"],
    ["all nodes slow at once: what they share is Redis", highLatency, { metrics: everyNode(slow) }, "fault: overloaded redis"],
    ["one slow node, nothing busy: nobody can tell", highLatency, { metrics: { "node-a": slow } }, "unknown"],
    ["a slow node while Redis hangs is its symptom", highLatency, { metrics: everyNode(slow), probe: { redis: down("silent", "TIMEOUT") } }, "fault: hung redis"],
    ["a quick node in its own evidence isn't slow", highLatency, {}, "no_fault: none node-a"],
    ["hits that no node admitted were written by somebody else", counterDrift, { counters: { inRedis: 52, ahead: 40 } }, "fault: diverged key-load-1, reset_counter key-load-1"],
    ["hits that Redis lacks were removed", counterDrift, { counters: { inRedis: 0 } }, "fault: diverged key-load-1"],
    ["a counter that agrees in its own evidence isn't apart", counterDrift, {}, "no_fault: none key-load-1"],
    ["too much under a wrong stored limit", overAdmission, { counters: { promised: tooMuch, stored: raised, applied: [{ ...raised, nodes: [...nodes] }] } }, "fault: misconfigured key-load-1, update_limit key-load-1"],
    ["too much under a wrong default", overAdmission, { counters: { promised: tooMuch, applied: [{ ...raised, nodes: [...nodes] }] } }, "fault: misconfigured key-load-1, update_limit key-load-1"],
    ["a node that isn't in the register isn't among those who admitted too much", overAdmission, { counters: { promised: tooMuch }, registry: unlisted }, "unknown"],
    ["too much while Redis lacks hits", overAdmission, { counters: { promised: tooMuch, admitted: 40, inRedis: 20 } }, "fault: diverged key-load-1"],
    ["too much, and nothing is wrong that can be seen", overAdmission, { counters: { promised: tooMuch } }, "unknown"],
    ["what is within the limit in its own evidence is no breach", overAdmission, {}, "no_fault: none key-load-1"],
    ["a node that admits and isn't in the register counts elsewhere", ghostAllowing, { registry: unlisted }, "fault: misconfigured node-a, drain_node node-a"],
    ["a node whose heartbeat has expired counts elsewhere", ghostAllowing, { registry: { nodes: { "node-a": { present: false } } } }, "fault: misconfigured node-a, drain_node node-a"],
    ["a node that fails open without Redis is cut off", ghostAllowing, { metrics: { "node-a": { redisConnected: false, byFailOpenPerS: 20 } } }, "fault: unreachable node-a"],
    ["a node that fails open while Redis hangs is its symptom", ghostAllowing, { metrics: { "node-a": { byFailOpenPerS: 20 } }, probe: { redis: down("silent", "TIMEOUT") } }, "fault: hung redis"],
    ["a node that fails open and has Redis: nobody can tell", ghostAllowing, { metrics: { "node-a": { byFailOpenPerS: 20 } } }, "unknown"],
    ["a node that is counted in its own evidence is no ghost", ghostAllowing, {}, "no_fault: none node-a"],
    ["a limit that is stored too low", limitDiffers, { counters: { stored: lowered, applied: [{ ...lowered, nodes: [...nodes] }] } }, "fault: misconfigured key-load-1, update_limit key-load-1"],
    ["a limit that is stored too high, and harms nobody yet", limitDiffers, { counters: { stored: raised, applied: [{ ...raised, nodes: [...nodes] }] } }, "fault: misconfigured key-load-1, update_limit key-load-1"],
    ["nodes whose default isn't what is declared", limitDiffers, { counters: { applied: [{ ...lowered, nodes: [...nodes] }] } }, "fault: misconfigured key-load-1, update_limit key-load-1"],
    ["a limit that differs nowhere in its own evidence", limitDiffers, {}, "no_fault: none key-load-1"],
    ["an invariant without a rule is not known", { ...nodeDown, invariant: "key_leak" }, {}, "unknown"],
  ]; // prettier-ignore
  test.each(rows)("%s", (_, breach, world, expected) => {
    const { file, ground } = caseIn(world, breach);
    const answer = playbook(file);
    const proposed = answer.proposals.map(({ action, target }) => `, ${action} ${target}`).join("");
    expect(`${summaryOf(answer)}${proposed}`).toBe(expected);
    expect(rejectionsOf(answer, file, ground)).toEqual([]);
    if (answer.verdict === "fault") {
      expect(answer.alternatives.length, "a cause is told from others").toBeGreaterThan(0);
      for (const { whyRejected } of answer.alternatives) expect(whyRejected).not.toBe("");
    }
    expect(answer.options.filter(({ recommended }) => recommended)).toHaveLength(1);
    expect(answer.verify).not.toEqual([]);
  });
});

test("a crash is told from a hang by what refuses, and both cite the probe of that very node", () => {
  const { file } = caseIn({ probe: { "node-a": down("refused", "ECONNREFUSED") } }, nodeDown);
  const answer = playbook(file);
  const cited = file.facts.filter(({ id }) => answer.rootCauses[0]?.evidence.includes(id));
  expect(cited.map(({ snapshot, pointer, value }) => [snapshot, pointer, value])).toEqual([
    ["first_bad", "/parts/probe/node-a/state", "refused"],
    ["last_good", "/parts/probe/node-a/state", "up"],
    ["first_bad", "/parts/probe/node-a/code", "ECONNREFUSED"],
    ["first_bad", "/parts/registry/cluster/members", ["node-a", "node-b", "node-c"]],
  ]);
  expect(answer.alternatives.map(({ cause }) => cause.category)).toEqual(["hung", "unreachable", "crashed"]);
  expect(answer.confidence).toBeGreaterThan(0.9);
});

test("an overdue heartbeat speaks against a lost network, a fresh one leaves it open", () => {
  const silent = { probe: { "node-a": down("silent", "TIMEOUT") } };
  const fresh = playbook(caseIn(silent, nodeDown).file);
  const registry = { nodes: { "node-a": { present: true, heartbeatAtMs: breachMs - 8_000 } } };
  const stale = playbook(caseIn({ ...silent, registry }, nodeDown).file);
  expect(fresh.missing.join()).toContain("whether node-a's heartbeat goes on");
  expect(stale.missing.join()).not.toContain("heartbeat");
  expect(stale.confidence).toBeGreaterThan(fresh.confidence);
});

test("what is well again by now is said, and then nothing is to be restarted", () => {
  const lines = [lineOf("node_down", "node-a", "clearing", breachMs + 1_500)];
  const { file } = caseIn({ probe: { "node-a": down("refused", "ECONNREFUSED") } }, { ...nodeDown, lines });
  const answer = playbook(file);
  expect(answer.headline).toContain("it answers again by now");
  expect(answer.options.find(({ recommended }) => recommended)?.title).toMatch(/^Wait/);
});

test("latency that is over by now is no fault", () => {
  const lines = [lineOf("high_latency", "node-a", "clearing", breachMs + 1_500)];
  const { file } = caseIn({ metrics: { "node-a": slow } }, { ...highLatency, lines });
  expect(summaryOf(playbook(file))).toBe("no_fault: none node-a");
});

test("without snapshots the answer is that nobody knows, and what is missing", () => {
  for (const breach of [
    nodeDown,
    redisDown,
    redisDisconnected,
    highLatency,
    counterDrift,
    overAdmission,
    ghostAllowing,
    limitDiffers,
  ]) {
    const { file, ground } = caseOf({ ...breach, topology: [] });
    const answer = playbook(file);
    expect(answer.verdict).toBe("unknown");
    expect(rejectionsOf(answer, file, ground)).toEqual([]);
    expect(answer.missing).not.toEqual([]);
  }
});

test("whatever the snapshots show, the playbook answers, its answer is grounded, and a page can be made of it", () => {
  const probe = fc.record({
    state: fc.constantFrom("up", "refused", "silent"),
    code: fc.constantFrom("ECONNREFUSED", "TIMEOUT", "TIMEOUT_CLOSED", "\u001b[31m|`x`"),
    latencyMs: fc.constantFrom(0.5, 80),
    sinceMs: fc.integer({ min: 0, max: breachMs }),
    lastAnswerAtMs: fc.integer({ min: 0, max: breachMs }),
  });
  const metrics = fc.record({ redisConnected: fc.boolean(), latencyP99Ms: fc.constantFrom(3, 240) });
  const some = <Value>(of: fc.Arbitrary<Value>, keys: readonly string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, of])), { requiredKeys: [] });
  const world = fc.record({
    probe: some(probe, [...nodes, "redis"]),
    metrics: some(metrics, nodes),
    registry: fc.constantFrom<NonNullable<World["registry"]>[]>(
      {},
      { members: ["node-b"], departed: { "node-a": 5 } },
      { nodes: {} },
    ),
    redis: fc.constantFrom<NonNullable<World["redis"]>[]>({}, { loading: true }),
    counters: fc.record({
      inRedis: fc.integer({ min: 0, max: 60 }),
      ahead: fc.integer({ min: 0, max: 40 }),
      promised: fc.constantFrom({ ...tooMuch }, { ...tooMuch, admitted: 3 }),
      applied: fc.constantFrom<Json[]>([], [{ ...raised, nodes: [] }], [{ ...lowered, nodes: ["node-a"] }]),
    }),
  });
  const breach = fc.constantFrom(
    nodeDown,
    redisDown,
    redisDisconnected,
    highLatency,
    counterDrift,
    overAdmission,
    ghostAllowing,
    limitDiffers,
  );
  fc.assert(
    fc.property(world, breach, fc.constantFrom("firing", "clearing", "ok"), (world, breach, state) => {
      const lines = [lineOf(breach.invariant, breach.target, state, breachMs + 500)];
      const { file, ground } = caseIn(world, { ...breach, lines });
      const answer = playbook(file);
      expect(rejectionsOf(answer, file, ground)).toEqual([]);
      expect(playbook(file)).toEqual(answer);
      const page = renderDiagnosis(diagnosisOf(answer, file));
      expect(page).not.toContain("\u001b");
    }),
    { numRuns: 300 },
  );
});

function diagnosisOf(answer: Answer, { facts }: CaseFile) {
  const cited = new Set<string>(answer.evidence.map(({ id }) => id));
  return {
    engine: { kind: "playbook" as const, name: playbookName },
    answer,
    facts: facts.filter(({ id }) => cited.has(id)),
  };
}

function rejectionsOf(answer: Answer, file: CaseFile, ground: Parameters<typeof validate>[1]) {
  return validate(diagnosisOf(answer, file), { ...ground, ...catalogueOf(actions) });
}

function summaryOf({ verdict, rootCauses }: Answer): string {
  const causes = rootCauses.map(({ category, target }) => `${category} ${target}`).join(", ");
  return causes === "" ? verdict : `${verdict}: ${causes}`;
}

import { TargetName } from "@operator/contracts/names";
import { TicketId } from "@operator/contracts/ticket-id";
import type { RecentAction, StateChange } from "@operator/subject/case-file";
import { expect, test } from "vitest";
import { answerOf, earlierOf, notKnown, recoveryOf } from "./answer.ts";
import { breachMs, caseOf, lineOf, snapshotAt } from "./case.fixture.ts";
import { Citations } from "./citations.ts";

const bad = snapshotAt(breachMs, { probe: { "node-a": { state: "refused" } } });
const breach = {
  invariant: "node_down",
  target: "node-a",
  pointers: ["/parts/probe/node-a/state"],
  bad,
  topology: [{ name: "node-a", kind: "node", dependsOn: [] }],
};

test("an alternative at a target that the topology doesn't name is left out", () => {
  const { file } = caseOf(breach);
  const alternative = (target: string) => ({
    cause: { category: "hung" as const, target: TargetName.parse(target) },
    whyRejected: "no",
    for: [],
    against: [],
  });
  const answer = answerOf(file, new Citations(file), {
    ...notKnown(file, new Citations(file), "why"),
    alternatives: [alternative("node-a"), alternative("redis")],
  });
  expect(answer.alternatives.map(({ cause }) => cause.target)).toEqual(["node-a"]);
});

test("a finding proposes what it says, and nothing unless it does", () => {
  const { file } = caseOf(breach);
  const finding = notKnown(file, new Citations(file), "why");
  const target = TargetName.parse("node-a");
  const proposals = [{ action: "restart_node", target, parameters: {}, why: "it isn't running" }];
  expect(answerOf(file, new Citations(file), { ...finding, proposals }).proposals).toEqual(proposals);
  const { proposals: _, ...silent } = finding;
  expect(answerOf(file, new Citations(file), silent).proposals).toEqual([]);
});

test.each<[RecentAction["state"], Partial<RecentAction>, proposed: boolean]>([
  ["proposed", {}, false],
  ["claimed", {}, false],
  ["executed", {}, false],
  ["unknown", {}, false],
  ["expired", {}, true],
  ["undone", {}, true],
  ["executed", { target: "node-b" }, true],
  ["executed", { action: "drain_node" }, true],
  ["executed", { ticket: TicketId.parse("ratelimiter.node_down.node-a.7") }, true],
])("what is %s %j is proposed again: %j", (state, changed, proposed) => {
  const [ticket, target] = [TicketId.parse("ratelimiter.node_down.node-a.1"), TargetName.parse("node-a")];
  const action = { ticket, action: "restart_node", target, parameters: {}, state, atMs: breachMs, ...changed };
  const { file } = caseOf({ ...breach, actions: [action] });
  const proposals = [{ action: "restart_node", target, parameters: {}, why: "it isn't running" }];
  const answer = answerOf(file, new Citations(file), { ...notKnown(file, new Citations(file), "why"), proposals });
  expect(answer.proposals).toHaveLength(proposed ? 1 : 0);
});

test("the timeline tells what broke and came back, not what was ok or unknown", () => {
  const change = (state: StateChange["state"], atMs: number) => ({
    atMs,
    invariant: "redis_down",
    target: "redis",
    state,
  });
  const timeline = [change("ok", 1), change("firing", 2), change("clearing", 3), change("unknown", 4)];
  const { file } = caseOf({ ...breach, timeline });
  const answer = notKnown(file, new Citations(file), "why");
  expect(answer.timeline.map(({ what }) => what)).toEqual([
    "redis_down of redis fires.",
    "redis_down of redis is well again, not yet for long enough to clear.",
  ]);
});

test("a fact is listed once, quoted by code, and only when the file has it", () => {
  const { file } = caseOf(breach);
  const citations = new Citations(file);
  const path = ["parts", "probe", "node-a", "state"];
  expect(citations.cite("it refuses", "first_bad", ...path)).toEqual(["E1"]);
  expect(citations.cite("said again", "first_bad", ...path)).toEqual(["E1"]);
  expect(citations.cite("it was up", "last_good", ...path)).toEqual([]);
  expect(citations.evidence()).toEqual([{ id: "E1", quote: "refused", shows: "it refuses" }]);
});

test.each([
  ["clearing", breachMs + 1_000, { sinceMs: breachMs + 1_000 }],
  ["ok", breachMs + 1_000, { sinceMs: breachMs + 1_000 }],
  ["firing", breachMs, undefined],
  ["blind", breachMs, undefined],
])("the line in the newest verdicts is %s", (state, sinceMs, expected) => {
  const { file } = caseOf({ ...breach, lines: [lineOf("node_down", "node-a", state, sinceMs)] });
  expect(recoveryOf(file)).toEqual(expected);
});

test("verdicts from before the breach say nothing of a recovery", () => {
  const { file } = caseOf({ ...breach, lines: [lineOf("node_down", "node-a", "ok", 1)] });
  const lines = file.verdicts?.lines ?? [];
  expect(recoveryOf({ ...file, verdicts: { asOf: breachMs - 1, lines } })).toBeUndefined();
});

test("what happened before to this very target is said, what happened to others isn't", () => {
  const similar = (target: string) => ({
    id: TicketId.parse(`ratelimiter.node_down.${target}.1`),
    openedAtMs: 1,
    headline: "it crashed",
    cause: { category: "crashed" as const, target },
  });
  expect(earlierOf(caseOf({ ...breach, similar: [similar("node-b")] }).file)).toBe("");
  const { file } = caseOf({ ...breach, similar: [similar("node-a")], violation: { comebacks: 2 } });
  expect(earlierOf(file)).toContain("ticket ratelimiter.node_down.node-a.1 (then: crashed at node-a)");
  expect(earlierOf(file)).toContain("came back 2 times");
});

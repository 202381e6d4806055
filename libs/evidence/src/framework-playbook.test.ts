import { Detail } from "@operator/contracts/violation";
import { describe, expect, test } from "vitest";
import { type Breach, breachMs, caseOf, snapshotAt } from "./case.fixture.ts";
import { frameworkPlaybook, frameworkPlaybookName, isFramework } from "./framework-playbook.ts";
import { validate } from "./validate.ts";

const parts = {
  probe: { "node-a": { state: "up", sinceMs: 4 } },
  metrics: { "node-a": { p99: 3 }, "node-b": { p99: 3 } },
};
const topology = [{ name: "node-a", kind: "node", dependsOn: [] }];
const blindTo = (target: string, about: string, code: string): Breach => ({
  invariant: "source_blind",
  target,
  detail: Detail.parse({ kind: "blind", source: "metrics", about, code }),
  pointers: [`/sources/metrics${target === about ? "" : `/targets/${about}`}`],
  topology,
});
const silence: Breach = {
  invariant: "observer_silent",
  target: "observer",
  detail: { kind: "silent_service", service: "observer", silentMs: 5_000 },
  pointers: ["/atMs"],
};

describe("the loop's own sight", () => {
  const rows: [sentence: string, Breach, verdict: string, headline: RegExp][] = [
    [
      "a source that fails says why",
      { ...blindTo("metrics-node-a", "node-a", "ETIMEDOUT"), bad: snapshotAt(breachMs, parts, { "metrics/node-a": "ETIMEDOUT" }) },
      "fault",
      /metrics can't see node-a: its last attempt failed with “ETIMEDOUT”/,
    ],
    [
      "a source that is only late cites when it read last",
      { ...blindTo("metrics-node-a", "node-a", "LATE"), bad: snapshotAt(breachMs, parts) },
      "fault",
      /metrics can't see node-a: it says “LATE”/,
    ],
    [
      "a source that sees nothing is one fault, not one per target",
      { ...blindTo("metrics", "metrics", "ALL_TARGETS"), bad: snapshotAt(breachMs, parts, { "metrics/node-a": "ECONNREFUSED", "metrics/node-b": "ECONNREFUSED" }) },
      "fault",
      /metrics sees nothing of ratelimiter: its last attempt failed with “ECONNREFUSED”$/,
    ],
    ["a blind source without a snapshot: nobody knows", blindTo("metrics-node-a", "node-a", "LATE"), "unknown", /no snapshot shows/],
    ["a silent observer, by its last snapshot", { ...silence, good: snapshotAt(breachMs - 5_000, parts), violation: { sinceMs: breachMs, asOf: breachMs } }, "fault", /isn't watched/],
    ["a silent observer, by the first bad snapshot that the checker names", { ...silence, bad: snapshotAt(breachMs - 5_000, parts), violation: { sinceMs: breachMs, asOf: breachMs } }, "fault", /isn't watched/],
    ["a silent observer without any snapshot: nobody knows", silence, "unknown", /no snapshot was kept/],
    ["a silent checker: nobody knows", { ...silence, invariant: "checker_silent", target: "checker" }, "unknown", /leaves no snapshot/],
    ["a silent checker, though a snapshot was kept", { ...silence, invariant: "checker_silent", target: "checker", good: snapshotAt(breachMs, parts) }, "unknown", /leaves no snapshot/],
  ]; // prettier-ignore
  test.each(rows)("%s", (_, breach, verdict, headline) => {
    expect(isFramework(breach.invariant)).toBe(true);
    const { file, ground } = caseOf(breach);
    const answer = frameworkPlaybook(file);
    expect(answer.headline).toMatch(headline);
    expect(answer.verdict).toBe(verdict);
    for (const { category, target } of answer.rootCauses)
      expect([category, target]).toEqual(["observation", breach.target]);
    expect(answer.missing).not.toEqual([]);
    const cited = new Set<string>(answer.evidence.map(({ id }) => id));
    const facts = file.facts.filter(({ id }) => cited.has(id));
    const diagnosis = { engine: { kind: "playbook", name: frameworkPlaybookName }, answer, facts };
    expect(validate(diagnosis, ground)).toEqual([]);
  });
});

test("a room's own invariant isn't the framework's", () => {
  expect(isFramework("node_down")).toBe(false);
});

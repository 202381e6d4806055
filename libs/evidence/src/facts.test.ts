import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Breach, breachMs, caseOf, kept, type Parts, snapshotAt, violationOf } from "./case.fixture.ts";
import { differencesOf } from "./differences.ts";
import { valueOf } from "./documents.ts";
import { factsOf } from "./facts.ts";
import { leavesOf } from "./leaves.ts";
import { nearestFirst } from "./targets.ts";

const probes = (state: string): Parts => ({
  probe: { "node-a": { state, sinceMs: 4 }, "node-b": { state: "up", sinceMs: 4 }, redis: { state: "up", sinceMs: 4 } },
  metrics: { "node-a": { p99: 3 }, "node-b": { p99: state === "up" ? 3 : 9 } },
});
const good = snapshotAt(breachMs - 1_000, probes("up"));
const bad = snapshotAt(breachMs, probes("refused"));
const breach: Breach = { invariant: "node_down", target: "node-a", pointers: ["/parts/probe/node-a/state"], bad, good };
const near = ["node-a", "redis", "node-b"];
const factsFor = (factsMax?: number) =>
  factsOf({
    violation: violationOf(breach),
    firstBad: kept(bad),
    lastGood: kept(good),
    near,
    ...(factsMax !== undefined && { factsMax }),
  });

test("the violation's own pointers come first, from both snapshots, then the same of its neighbours", () => {
  const told = factsFor().facts.map(({ id, snapshot, pointer, value }) => [id, snapshot, pointer, value]);
  expect(told.slice(0, 6)).toEqual([
    ["E1", "first_bad", "/parts/probe/node-a/state", "refused"],
    ["E2", "last_good", "/parts/probe/node-a/state", "up"],
    ["E3", "first_bad", "/atMs", breachMs],
    ["E4", "last_good", "/atMs", breachMs - 1_000],
    ["E5", "first_bad", "/parts/probe/redis/state", "up"],
    ["E6", "first_bad", "/parts/probe/node-b/state", "up"],
  ]);
});

test("then what differs, what the source reports, and the rest: nothing that didn't change is told twice", () => {
  const { facts } = factsFor();
  const place = (pointer: string) => facts.findIndex((fact) => fact.pointer === pointer);
  expect(place("/parts/metrics/node-b/p99")).toBeLessThan(place("/sources/probe/rhythmMs"));
  expect(place("/sources/probe/rhythmMs")).toBeLessThan(place("/parts/metrics/node-a/p99"));
  expect(place("/sources/metrics/rhythmMs")).toBeGreaterThan(place("/parts/metrics/node-a/p99"));
  const unchanged = facts.filter(({ pointer }) => pointer === "/parts/metrics/node-a/p99");
  expect(unchanged.map(({ snapshot }) => snapshot)).toEqual(["first_bad"]);
  expect(new Set(facts.map(({ snapshot, pointer }) => snapshot + pointer)).size).toBe(facts.length);
});

test("numbers are the same whatever the order of the keys", () => {
  const turned = (snapshot: typeof bad) => ({
    ...snapshot,
    parts: Object.fromEntries(Object.entries(snapshot.parts).toReversed()),
  });
  const { facts } = factsOf({
    violation: violationOf(breach),
    firstBad: kept(turned(bad)),
    lastGood: kept(turned(good)),
    near,
  });
  expect(facts).toEqual(factsFor().facts);
});

test("a limit keeps what is nearest, and says how much it left out", () => {
  const all = factsFor().facts;
  const { facts, leftOut } = factsFor(5);
  expect(facts).toEqual(all.slice(0, 5));
  expect(leftOut).toBe(all.length - 5);
  const { file } = caseOf({
    ...breach,
    bad: snapshotAt(breachMs, {
      probe: Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`n${at}`, { state: "up" }])),
    }),
  });
  expect(file.facts).toHaveLength(200);
  expect(file.missing.join()).toContain(`${file.factsLeftOut} facts`);
});

test("a pointer to a whole reading gives its values", () => {
  const violation = violationOf({ ...breach, pointers: ["/parts/probe/node-a"] });
  const { facts } = factsOf({ violation, firstBad: kept(bad), near });
  expect(facts.slice(0, 2).map(({ pointer }) => pointer)).toEqual([
    "/parts/probe/node-a/sinceMs",
    "/parts/probe/node-a/state",
  ]);
});

describe("what is no fact", () => {
  const rows: [sentence: string, reading: Parts[string]][] = [
    ["a value that holds a secret", { "node-a": { url: "redis://u:hunter2@h:1" } }],
    ["a value whose key names a secret", { "node-a": { managementToken: "abc" } }],
    ["a value that is too long to quote", { "node-a": { log: "x".repeat(500) } }],
  ];
  test.each(rows)("%s", (_, probe) => {
    const { file } = caseOf({ ...breach, pointers: ["/parts/probe/node-a"], bad: snapshotAt(breachMs, { probe }) });
    expect(file.facts.filter(({ pointer }) => pointer.startsWith("/parts/probe/node-a"))).toEqual(
      file.facts.filter(
        ({ snapshot, pointer }) => snapshot === "last_good" && pointer.startsWith("/parts/probe/node-a"),
      ),
    );
    expect(JSON.stringify(file)).not.toContain("hunter2");
    expect(JSON.stringify(file.changes)).not.toContain("abc");
  });
});

test("texts of telemetry enter the case file plain, short, and without secrets", () => {
  const { file } = caseOf({
    ...breach,
    violation: { summary: "\u001b[31mcan't reach redis://u:hunter2@h:1" },
    lines: [
      {
        invariant: "node_down",
        target: "node-a",
        severity: "critical",
        verdict: "violated",
        state: "firing",
        sinceMs: 1,
        reason: "password=hunter2hunter2",
        explainedBy: [],
        sources: [{ source: "probe", target: "node-a", fresh: true, error: "Bearer hunter2hunter2" }],
      },
    ],
    similar: [{ id: caseOf(breach).ticket.id, openedAtMs: 1, headline: "token: hunter2hunter2" }],
  });
  const text = JSON.stringify(file);
  expect(text).not.toContain("hunter2");
  expect(text).not.toContain("\\u001b");
});

test("every fact can be looked up again: its pointer names its value", () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(
      fc.dictionary(
        fc
          .string({ minLength: 1, maxLength: 8 })
          .filter((key) => /^[^\p{Cc}\p{Cs}]+$/u.test(key) && key !== "__proto__"),
        json,
      ),
      (readings) => {
        const snapshot = snapshotAt(breachMs, { probe: JSON.parse(JSON.stringify(readings)) });
        const { facts } = factsOf({
          violation: violationOf({ ...breach, bad: snapshot }),
          firstBad: kept(snapshot),
          near,
        });
        for (const { pointer, value } of facts) expect(valueOf(snapshot, pointer)).toEqual(value);
      },
    ),
  );
});

test.each([
  ["a changed value", { a: { b: 1 } }, { a: { b: 2 } }, [{ pointer: "/a/b", before: 1, after: 2 }]],
  ["what came", {}, { a: [1, 2] }, [{ pointer: "/a", after: [1, 2] }]],
  ["what went", { "x/y": null }, {}, [{ pointer: "/x~1y", before: null }]],
  [
    "a value that became an object",
    { a: 1 },
    { a: { b: 1 } },
    [
      { pointer: "/a", before: 1 },
      { pointer: "/a/b", after: 1 },
    ],
  ],
  ["a list of objects, by place", { a: [{ b: 1 }] }, { a: [{ b: 1 }, { b: 2 }] }, [{ pointer: "/a/1/b", after: 2 }]],
  ["nothing but the order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }, []],
])("differences: %s", (_, before, after, expected) => {
  expect(differencesOf(before, after, 100).filter(({ pointer }) => pointer !== "")).toEqual(expected);
});

test("a document without end is looked at so far and no farther", () => {
  expect(
    leavesOf(
      Array.from({ length: 1_000 }, (_, at) => ({ at })),
      10,
    ).size,
  ).toBe(10);
});

test("nearest is the target, then what it needs, then what needs it, then the rest", () => {
  const node = (name: string, dependsOn: string[]) => ({ name, kind: "node", dependsOn });
  const topology = [node("x", []), node("a", ["db"]), node("b", ["a"]), node("db", [])];
  expect(nearestFirst("a", topology)).toEqual(["a", "db", "b", "x"]);
  expect(nearestFirst("unheard", topology).slice(0, 2)).toEqual(["unheard", "x"]);
});

test("what the violation points at is read of the twenty nearest, however many there are", () => {
  const names = Array.from({ length: 30 }, (_, at) => `node-${at}`);
  const probe = Object.fromEntries(names.map((name) => [name, { state: "up" }]));
  const { facts } = factsOf({
    violation: violationOf({ ...breach, target: "node-0", pointers: ["/parts/probe/node-0/state"] }),
    firstBad: kept(snapshotAt(breachMs, { probe })),
    near: names,
    factsMax: 30,
  });
  const states = facts.filter(({ pointer }) => pointer.endsWith("/state")).map(({ pointer }) => pointer.split("/")[3]);
  expect(states.slice(0, 20)).toEqual(names.slice(0, 20));
  expect(facts.findIndex(({ pointer }) => pointer === "/parts/probe/node-20/state")).toBe(-1);
});

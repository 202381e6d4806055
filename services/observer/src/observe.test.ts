import * as fc from "fast-check";
import { SubjectName, TargetName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import type { Reading } from "@operator/subject/observation";
import { describe, expect, test } from "vitest";
import { afterRead, type ReadResult, snapshotOf, type SourceSight, unseen } from "./observe.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
console.log(`observe properties: SEED=${seed}`);

const failed = { error: { code: "E", message: "no" } };

/** Read after read, a second apart, each 100 ms long. */
function seen(expected: string[], ...results: ReadResult[]): SourceSight {
  let sight = unseen(1_000, expected);
  for (const [at, result] of results.entries())
    sight = afterRead(sight, { result, expected, startedAtMs: at * 1_000, endedAtMs: at * 1_000 + 100 });
  return sight;
}

function targetOf(sight: SourceSight, target: string) {
  return sight.targets.get(TargetName.parse(target));
}

const say = (readings: Record<string, Reading>): ReadResult => ({ readings });

describe("what is known of a target", () => {
  test.each<[string, ReadResult[], unknown]>([
    ["before any reading: that it's to be read", [], {}],
    ["after a reading: that, from when the read began", [say({ a: { value: 1 } })], { value: 1, readAtMs: 0 }],
    [
      "after a new reading: the new one",
      [say({ a: { value: 1 } }), say({ a: { value: 2 } })],
      { value: 2, readAtMs: 1_000 },
    ],
    [
      "after a failure: the last reading with its time, and why there's no new one",
      [say({ a: { value: 1 } }), say({ a: failed })],
      { value: 1, readAtMs: 0, error: { code: "E", message: "no", sinceMs: 1_100 } },
    ],
    [
      "after failures: since when",
      [say({ a: failed }), say({ a: { error: { code: "F", message: "still" } } })],
      { error: { code: "F", message: "still", sinceMs: 100 } },
    ],
    [
      "after failures and a reading: no error",
      [say({ a: failed }), say({ a: { value: 1 } })],
      { value: 1, readAtMs: 1_000 },
    ],
    [
      "after the whole source failed: that",
      [say({ a: { value: 1 } }), failed],
      { value: 1, readAtMs: 0, error: { code: "E", message: "no", sinceMs: 1_100 } },
    ],
    [
      "after the source failed before any reading: that",
      [failed],
      { error: { code: "E", message: "no", sinceMs: 100 } },
    ],
    [
      "after the source said nothing of it: that",
      [say({ a: { value: 1 } }), say({})],
      {
        value: 1,
        readAtMs: 0,
        error: {
          code: "TARGET_MISSING",
          message: "the source was read, but said nothing of this target",
          sinceMs: 1_100,
        },
      },
    ],
    ["after it left: nothing", [say({ a: { value: 1 } }), say({ a: { left: true } })], undefined],
    [
      "after it came back: its reading",
      [say({ a: { left: true } }), say({ a: { value: 1 } })],
      { value: 1, readAtMs: 1_000 },
    ],
  ])("%s", (_, results, known) => {
    expect(targetOf(seen(["a"], ...results), "a")).toEqual(known);
  });
});

test("a target that was read once and isn't expected any more stays, with an error", () => {
  const sight = seen([], say({ a: { value: 1 } }), say({ b: { value: 1 } }));
  expect(targetOf(sight, "a")).toMatchObject({ value: 1, error: { code: "TARGET_MISSING" } });
});

describe("a reading that can't be said", () => {
  test.each([
    ["that isn't a number", Number.NaN, "READING_NOT_JSON"],
    ["with something undefined", { x: undefined }, "READING_NOT_JSON"],
    ["that is a date", new Date(0), "READING_NOT_JSON"],
    ["that is too large", "x".repeat(70_000), "READING_TOO_LARGE"],
  ])("%s", (_, value, code) => {
    expect(targetOf(seen(["a"], say({ a: { value } })), "a")).toMatchObject({ error: { code } });
  });
});

test("an error's message is bounded and shows no password", () => {
  const message = `redis://user:secret@host:6379 ${"x".repeat(1_000)}`;
  const error = targetOf(seen(["a"], { error: { code: "E".repeat(100), message } }), "a")?.error;
  expect(error?.message).toMatch(/^redis:\/\/\*\*\*@host:6379 x+$/);
  expect(error?.message).toHaveLength(500);
  expect(error?.code).toHaveLength(64);
});

test("a snapshot carries each source's report, and what was read", () => {
  const at = { subject: SubjectName.parse("s"), epoch: 3, n: 1, atMs: 5_000, cause: "rhythm" } as const;
  const sights = new Map([
    ["registry", seen(["cluster"], say({ cluster: { value: { members: [] } } }))],
    ["metrics", seen(["node-a"])],
  ]);
  expect(snapshotOf(at, sights)).toEqual({
    ...at,
    sources: {
      registry: { rhythmMs: 1_000, targets: { cluster: { readAtMs: 0 } } },
      metrics: { rhythmMs: 1_000, targets: { "node-a": {} } },
    },
    parts: { registry: { cluster: { members: [] } } },
  });
});

test("whatever a source says, the snapshot is a valid message that names every expected target", () => {
  const target = fc.oneof(fc.constantFrom("a", "b", "__proto__", "constructor", ""), fc.string({ unit: "binary" }));
  const reading: fc.Arbitrary<Reading> = fc.oneof(
    // JSON knows no negative zero.
    fc.record({ value: fc.anything().filter((value) => !/-0(?![.\d])/.test(fc.stringify(value))) }),
    fc.record({ error: fc.record({ code: fc.string(), message: fc.string({ unit: "binary", maxLength: 600 }) }) }),
  );
  const result: fc.Arbitrary<ReadResult> = fc.oneof(
    fc.array(fc.tuple(target, reading)).map((readings) => ({ readings: Object.fromEntries(readings) })),
    fc.record({ error: fc.record({ code: fc.string(), message: fc.string({ maxLength: 600 }) }) }),
  );
  fc.assert(
    fc.property(fc.array(result, { maxLength: 6 }), (results) => {
      const sight = seen(["a", "b"], ...results);
      const at = { subject: SubjectName.parse("s"), epoch: 1, n: 1, atMs: 1, cause: "rhythm" } as const;
      const snapshot = snapshotOf(at, new Map([["metrics", sight]]));
      expect(Snapshot.parse(JSON.parse(JSON.stringify(snapshot)))).toEqual(snapshot);
      const reported = Object.keys(Object.values(snapshot.sources)[0]?.targets ?? {});
      expect(reported).toEqual(expect.arrayContaining(["a", "b"]));
    }),
    { seed },
  );
});

import { Snapshot } from "@operator/contracts/snapshot";
import { expect, test } from "vitest";
import { freshPartsOf } from "./fresh-state.ts";

const atMs = 100_000;
const error = { code: "TIMEOUT", message: "no answer", sinceMs: atMs };

function snapshotOf(report: { readAtMs?: number; error?: typeof error } | undefined): Snapshot {
  return Snapshot.parse({
    subject: "ratelimiter",
    epoch: 1,
    n: 1,
    atMs,
    cause: "rhythm",
    sources: { probe: { rhythmMs: 1_000, targets: report ? { "node-a": report } : {} } },
    parts: { probe: { "node-a": { state: "up" } }, metrics: { "node-a": {} } },
  });
}

test.for<[string, boolean, Parameters<typeof snapshotOf>[0]]>([
  ["read just now", true, { readAtMs: atMs }],
  ["read three rhythms ago", true, { readAtMs: atMs - 3_000 }],
  ["read longer ago", false, { readAtMs: atMs - 3_001 }],
  ["read before, and then the source failed", false, { readAtMs: atMs, error }],
  ["never read", false, {}],
  ["not reported on", false, undefined],
])("a reading counts when fresh: %s", ([, counts, report]) => {
  const { parts } = freshPartsOf(snapshotOf(report));
  expect(parts).toEqual({ probe: counts ? { "node-a": { state: "up" } } : {}, metrics: {} });
});

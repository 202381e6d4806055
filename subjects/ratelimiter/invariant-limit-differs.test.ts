import { expect, test } from "vitest";
import { allFresh } from "@operator/subject/invariant";
import { limitDiffers } from "./invariant-limit-differs.ts";
import type { CountersReading } from "./state.ts";

const declared = { limit: 20, windowMs: 10_000 };
const all = ["node-a", "node-b"];
const well: CountersReading = {
  key: "k",
  applied: [{ ...declared, nodes: all }],
  declared,
  fromMs: 0,
  toMs: 0,
  inRedis: 0,
  admitted: 0,
  ahead: 0,
  unsettled: 0,
  uncompared: 0,
  silent: [],
};

function judge(changed: Partial<CountersReading>) {
  const judged = limitDiffers.judge({ counters: { "key-k": { ...well, ...changed } } }, "key-k", 0, allFresh);
  return judged.verdict === "unknown" ? "unknown" : `${judged.verdict} ${judged.value}`;
}

test.each<[string, Partial<CountersReading>, string]>([
  ["the declared limit everywhere", {}, "ok 20 in 10000 ms"],
  ["the declared limit, stored as well", { stored: declared }, "ok 20 in 10000 ms"],
  ["a lower limit", { applied: [{ ...declared, limit: 1, nodes: all }] }, "violated 1 in 10000 ms"],
  ["a higher limit", { applied: [{ ...declared, limit: 99, nodes: all }] }, "violated 99 in 10000 ms"],
  ["another window", { applied: [{ ...declared, windowMs: 5_000, nodes: all }] }, "violated 20 in 5000 ms"],
  ["one node that applies another", { applied: [{ ...declared, nodes: ["node-a"] }, { ...declared, limit: 1, nodes: ["node-b"] }] }, "violated 1 in 10000 ms"],
  ["a wrong limit that is stored and nobody applies yet", { stored: { ...declared, limit: 1 } }, "violated 1 in 10000 ms"],
  ["a wrong limit, while a node is silent", { applied: [{ ...declared, limit: 1, nodes: ["node-a"] }], silent: ["node-b"] }, "violated 1 in 10000 ms"],
  ["a node that is silent", { applied: [{ ...declared, nodes: ["node-a"] }], silent: ["node-b"] }, "unknown"],
  ["nobody who says anything", { applied: [] }, "unknown"],
])("%s", (_, changed, expected) => {
  expect(judge(changed)).toBe(expected);
}); // prettier-ignore

test("it's about keys of which a limit is declared", () => {
  const { declared: _, ...stored } = well;
  expect(limitDiffers.targets({ counters: { "key-k": well, "key-s": stored } })).toEqual(["key-k"]);
});

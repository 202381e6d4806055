import { expect, test } from "vitest";
import { allFresh } from "@operator/subject/invariant";
import { ghostAllowing } from "./invariant-ghost-allowing.ts";
import type { MetricsReading, RegistryReading, State } from "./state.ts";

const counted = { redisConnected: true, allowedPerS: 5, byFailOpenPerS: 0, allowedLately: 5, failedOpenLately: 0 };
const cluster: RegistryReading = {
  redisTimeMs: 0,
  members: ["node-a"],
  nodes: { "node-a": { present: true } },
  departed: {},
};

function judge(metrics: MetricsReading, registry: Partial<RegistryReading> = {}) {
  const state: State = { metrics: { "node-a": metrics }, registry: { cluster: { ...cluster, ...registry } } };
  const judged = ghostAllowing.judge(state, "node-a", 0, allFresh);
  return judged.verdict === "unknown" ? "unknown" : `${judged.verdict} ${judged.value}`;
}

test.each<[string, MetricsReading, Partial<RegistryReading>, string]>([
  ["a node that is registered and counts by Redis", counted, {}, "ok counted"],
  ["a node that fails open", { ...counted, byFailOpenPerS: 2, failedOpenLately: 2 }, {}, "violated fail_open"],
  ["a node that failed open and has stopped", { ...counted, byFailOpenPerS: 2 }, {}, "ok counted"],
  ["a node without Redis that wasn't asked lately", { ...counted, redisConnected: false, byFailOpenPerS: 0.1 }, {}, "violated fail_open"],
  ["a node without Redis that admits nothing", { ...counted, redisConnected: false, allowedPerS: 0 }, {}, "ok counted"],
  ["a node that the register doesn't list", counted, { members: [] }, "violated unregistered"],
  ["a node whose heartbeat has expired", counted, { nodes: { "node-a": { present: false } } }, "violated unregistered"],
  ["an unlisted node that admits nothing", { ...counted, allowedPerS: 0 }, { members: [] }, "ok counted"],
  ["a node of which one page was read", { redisConnected: true }, {}, "unknown"],
])("%s", (_, metrics, registry, expected) => {
  expect(judge(metrics, registry)).toBe(expected);
}); // prettier-ignore

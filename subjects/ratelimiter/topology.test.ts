import { expect, test } from "vitest";
import { topology } from "./topology.ts";

const reading = { state: "up" as const, sinceMs: 0, address: "127.0.0.1:1" };
const cluster = { redisTimeMs: 0, members: ["node-b", "node-c"], nodes: {}, departed: { "node-a": 5 } };

test("nodes are named by any source, and depend on Redis", () => {
  const state = { probe: { "node-a": reading, redis: reading }, metrics: { "node-b": {} } };
  expect(topology.targets(state)).toEqual([
    { name: "redis", kind: "redis", dependsOn: [] },
    { name: "node-a", kind: "node", dependsOn: ["redis"] },
    { name: "node-b", kind: "node", dependsOn: ["redis"] },
  ]);
});

test("who departed is no part of it any more, who came back is", () => {
  const state = { probe: { "node-a": reading }, registry: { cluster } };
  expect(topology.targets(state).map(({ name }) => name)).toEqual(["redis", "node-b", "node-c"]);
  const back = { ...cluster, members: ["node-a"] };
  expect(topology.targets({ registry: { cluster: back } }).map(({ name }) => name)).toEqual(["redis", "node-a"]);
});

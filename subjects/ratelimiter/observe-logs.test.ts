import { expect, test } from "vitest";
import { datedLines } from "./observe-logs.ts";

test("lines of nodes and of Redis bear their own time, and others that of the line before them", () => {
  const node = '{"level":"info","time":1795000000000,"nodeId":"node-a","msg":"stopping"}';
  const redis = "26371:M 21 Nov 2026 14:02:44.123 * Ready to accept connections tcp";
  const lines = ["begins in the middle", node, "    at startNode (node.ts:44:7)", redis, '{"time":"soon"}', "{torn"];
  const atRedisMs = new Date(2026, 10, 21, 14, 2, 44, 123).getTime();
  expect(datedLines(lines)).toEqual([
    { atMs: 1_795_000_000_000, text: node },
    { atMs: 1_795_000_000_000, text: "    at startNode (node.ts:44:7)" },
    { atMs: atRedisMs, text: redis },
    { atMs: atRedisMs, text: '{"time":"soon"}' },
    { atMs: atRedisMs, text: "{torn" },
  ]);
});

test("a day that there isn't is no time", () => {
  expect(datedLines(["1:M 99 Xyz 2026 14:02:44.123 # x"])).toEqual([]);
});

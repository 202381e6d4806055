import { describe, expect, test } from "vitest";
import { registryOf } from "./observe-registry.ts";

describe("what the registry replies", () => {
  test("is read with members that are there, that are missing, and departures", () => {
    const here = ["node-b", "http://b:2", "up", "1700000000000", "1700000005000"];
    const gone = [null, null, null, null, null];
    expect(registryOf(["1700000006000", ["node-b", "node-a"], [here, gone], ["node-c", "1700000001000"]])).toEqual({
      redisTimeMs: 1_700_000_006_000,
      members: ["node-a", "node-b"],
      nodes: {
        "node-a": { present: false },
        "node-b": {
          present: true,
          url: "http://b:2",
          status: "up",
          startedAtMs: 1_700_000_000_000,
          heartbeatAtMs: 1_700_000_005_000,
        },
      },
      departed: { "node-c": 1_700_000_001_000 },
    });
  });

  test("is read without ids that can't be a node's", () => {
    const reading = registryOf([
      "1",
      ["__proto__", "a b", "redis"],
      [["x"], ["x"], ["x"]],
      ["__proto__", "5", "redis", "5"],
    ]);
    expect(reading).toEqual({ redisTimeMs: 1, members: [], nodes: {}, departed: {} });
  });

  test.each([[null], ["text"], [["1", [], []]], [["1", ["node-a"], [["node-a", "u", "up", "soon", "1"]], []]]])(
    "is refused as %j",
    (reply) => {
      expect(() => registryOf(reply)).toThrow();
    },
  );
});

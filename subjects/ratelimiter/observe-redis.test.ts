import { describe, expect, test } from "vitest";
import { redisReadingOf } from "./observe-redis.ts";
import { RedisReading } from "./state.ts";

describe("what Redis says of itself", () => {
  test("is read line by line", () => {
    const info = [
      "# Server\r\nrun_id:abc\r\nuptime_in_seconds:12\r\n",
      "connected_clients:4\r\nused_memory:1000\r\nmaxmemory:0\r\nevicted_keys:0\r\n",
      "instantaneous_ops_per_sec:7\r\nrole:master\r\nloading:0\r\n",
    ].join("");
    const reading = redisReadingOf(info);
    expect(RedisReading.parse(reading)).toEqual(reading);
    expect(reading).toEqual({
      role: "master",
      runId: "abc",
      uptimeS: 12,
      loading: false,
      connectedClients: 4,
      usedMemoryBytes: 1_000,
      memoryMaxBytes: 0,
      evictedKeys: 0,
      operationsPerS: 7,
    });
  });

  test("is left out where it isn't said or isn't a number", () => {
    expect(redisReadingOf("uptime_in_seconds:soon\r\nused_memory:-1\r\nnonsense\r\n:x\r\n")).toEqual({});
  });
});

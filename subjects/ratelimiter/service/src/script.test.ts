import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connectRedis } from "./redis.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// The script that decides, on a real Redis: against a model in simulated time, and by itself in real time.

let server: RedisFixture;
let redis: ReturnType<typeof connectRedis>;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url, "test");
  await until("the client is connected", () => redis.status === "ready");
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => server.client.flushall());

const script = readFileSync(new URL("check.lua", import.meta.url), "utf8");
const clock = "redis.call('TIME')";

test("it answers like the model of a sliding log, whatever is asked when", async () => {
  expect(script.split(clock)).toHaveLength(2);
  const inSimulatedTime = script.replace(clock, "{ARGV[5], ARGV[6]}");
  const seed = Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(anyRequest, { maxLength: 60 }), async (requests) => {
      await redis.flushall();
      const model = createModel();
      let nowUs = 1_795_000_000_000_000;
      for (const { pauseUs, limit, windowMs, cost, name } of requests) {
        nowUs += pauseUs;
        const asked = { limit, windowMs, cost: Math.min(cost, limit), member: `1795:n-${name}` };
        const [seconds, microseconds] = [Math.floor(nowUs / 1e6), nowUs % 1e6];
        const values = [asked.limit, asked.windowMs, asked.cost, asked.member, seconds, microseconds];
        const reply = await redis.eval(inSimulatedTime, 1, "ratelimit:k", ...values);
        expect(reply).toEqual(model(nowUs, asked));
      }
    }),
    { seed, numRuns: 60 },
  );
});

test("exactly the limit is admitted, and the rest is told when to come back", async () => {
  const replies = await Promise.all(
    Array.from({ length: 25 }, (_, at) => redis.check("ratelimit:k", 10, 60_000, 1, `1:n-${at}`)),
  );
  expect(replies.slice(0, 10)).toEqual(
    Array.from({ length: 10 }, (_, at) => [1, at + 1, 9 - at, 0, expect.any(Number)]),
  );
  for (const reply of replies.slice(10)) {
    expect(reply).toEqual([0, 10, 0, expect.any(Number), 0]);
  }
});

test("a retry with the same member is admitted again and counted once", async () => {
  const first = await redis.check("ratelimit:k", 5, 60_000, 2, "1:n-0");
  expect(first).toEqual([1, 2, 3, 0, Number(await redis.zscore("ratelimit:k", "1:n-0"))]);
  expect(await redis.check("ratelimit:k", 5, 60_000, 2, "1:n-0")).toEqual(first);
  expect(await redis.zcard("ratelimit:k")).toBe(2);
});

test("a cost is admitted whole or not at all", async () => {
  expect(await redis.check("ratelimit:k", 5, 60_000, 4, "1:n-0")).toEqual([1, 4, 1, 0, expect.any(Number)]);
  expect(await redis.check("ratelimit:k", 5, 60_000, 2, "1:n-1")).toEqual([0, 4, 1, expect.any(Number), 0]);
  expect(await redis.check("ratelimit:k", 5, 60_000, 1, "1:n-2")).toEqual([1, 5, 0, 0, expect.any(Number)]);
});

test("the largest cost is one atomic step too", async () => {
  const reply = await redis.check("ratelimit:k", 10_000, 60_000, 10_000, "1:n-0");
  expect(reply).toEqual([1, 10_000, 0, 0, expect.any(Number)]);
});

test("after retry_after there's room, and a denied client's asking doesn't put it off", async () => {
  await redis.check("ratelimit:k", 1, 300, 1, "1:n-0");
  let asked = 0;
  await until(
    "the window has passed",
    async () => {
      const reply = await redis.check("ratelimit:k", 1, 300, 1, `1:n-${++asked}`);
      return Array.isArray(reply) && reply[0] === 1;
    },
    2_000,
  );
  expect(asked).toBeGreaterThan(1);
});

test("time is Redis', whatever the member says, and the log expires with its window", async () => {
  await redis.check("ratelimit:k", 5, 60_000, 1, "99999999999999:n-0");
  const [seconds] = await redis.time();
  const score = await redis.zscore("ratelimit:k", "99999999999999:n-0");
  expect(Math.abs(Number(score) / 1e6 - Number(seconds))).toBeLessThan(5);
  const ttlMs = await redis.pttl("ratelimit:k");
  expect(ttlMs).toBeGreaterThan(50_000);
  expect(ttlMs).toBeLessThanOrEqual(60_001);
});

test("a script that Redis forgot is sent again without an error", async () => {
  await redis.check("ratelimit:k", 5, 60_000, 1, "1:n-0");
  await redis.script("FLUSH");
  expect(await redis.check("ratelimit:k", 5, 60_000, 1, "1:n-1")).toEqual([1, 2, 3, 0, expect.any(Number)]);
});

/** Steps of time as they come, and those that just reach or just miss the end of a window. */
const anyRequest = fc.record({
  pauseUs: fc.oneof(
    fc.integer({ min: 0, max: 3_000_000 }),
    fc.constantFrom(0, 1, 999, 1_000, 9_999_999, 10_000_000, 10_000_001),
  ),
  limit: fc.constantFrom(1, 2, 5, 5, 5, 8),
  windowMs: fc.constantFrom(10_000, 10_000, 10_000, 20_000),
  cost: fc.integer({ min: 1, max: 4 }),
  // Few names, so that some are asked for twice: those are retries.
  name: fc.integer({ min: 0, max: 25 }),
});

type Asked = { limit: number; windowMs: number; cost: number; member: string };

/** What the script should answer, as plainly as it can be said. */
function createModel() {
  let hits: { atUs: number; member: string }[] = [];
  return (nowUs: number, { limit, windowMs, cost, member }: Asked) => {
    hits = hits.filter(({ atUs }) => atUs > nowUs - windowMs * 1_000);
    const hit = hits.find((hit) => hit.member === member);
    if (hit) return [1, hits.length, Math.max(limit - hits.length, 0), 0, hit.atUs];
    if (hits.length + cost > limit) {
      const lastToLeave = hits[hits.length + cost - limit - 1];
      const retryMs = lastToLeave ? Math.ceil((lastToLeave.atUs + windowMs * 1_000 - nowUs) / 1_000) : windowMs;
      return [0, hits.length, Math.max(limit - hits.length, 0), retryMs, 0];
    }
    for (let hit = 0; hit < cost; hit++) hits.push({ atUs: nowUs, member });
    return [1, hits.length, limit - hits.length, 0, nowUs];
  };
}

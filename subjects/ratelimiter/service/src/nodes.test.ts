import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type call, type NodeFixture, startNodeProcess } from "./node.fixture.ts";
import { createExactness } from "./exactness.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// Three real nodes on one real Redis, all well: what callers are promised.

let server: RedisFixture;
let nodes: [NodeFixture, NodeFixture, NodeFixture];
beforeAll(async () => {
  server = await startRedis();
  const env = {
    RATELIMITER_LIMITS_REFRESH_MS: "100",
    RATELIMITER_HEARTBEAT_MS: "200",
    RATELIMITER_NODE_TTL_MS: "1000",
  };
  nodes = await Promise.all([
    startNodeProcess("a", server.url, env),
    startNodeProcess("b", server.url, env),
    startNodeProcess("c", server.url, env),
  ]);
  for (const node of nodes) await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
});
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const key of await server.client.keys("ratelimit:*")) await server.client.del(key);
});

test("three nodes asked at once admit exactly the limit together", async () => {
  const answers = await Promise.all(
    Array.from({ length: 450 }, (_, at) => (nodes[at % 3] ?? nodes[0]).check({ key: "shared" })),
  );
  expect(count(answers, 200)).toBe(100);
  expect(count(answers, 429)).toBe(350);
  expect(answers.every((answer) => answer.headers.get("x-ratelimit-status") === "redis")).toBe(true);
  expect(await server.client.zcard("ratelimit:shared")).toBe(100);
});

test("windows roll: the limit is admitted again and again, and no window held more", async () => {
  const limit = { limit: 5, windowMs: 400 };
  await storeEverywhere("rolling", limit);
  const exactness = createExactness(() => limit);
  let admitted = 0;
  let over = 0;
  await until("four windows' worth is admitted", async () => {
    const sentAtMs = performance.now();
    await Promise.all(
      nodes.map(async (node) => {
        if ((await node.check({ key: "rolling" })).status !== 200) return;
        admitted++;
        if (exactness.admitted("rolling", { sentAtMs, receivedAtMs: performance.now() })) over++;
      }),
    );
    return admitted >= 4 * limit.limit;
  });
  expect(over).toBe(0);
});

test("an answer carries the figures, in the body and in the headers", async () => {
  await nodes[0].manage("PUT", "limits/two", { limit: 2, windowMs: 30_000 });
  const first = await nodes[0].check({ key: "two" });
  expect(first.body).toEqual({ allowed: true, count: 1, limit: 2, remaining: 1, retryAfterMs: 0 });
  expect(rateLimitHeaders(first.headers)).toEqual({
    limit: "2",
    remaining: "1",
    reset: "30",
    status: "redis",
    retry: null,
  });
  await nodes[0].check({ key: "two" });
  const denied = await nodes[0].check({ key: "two" });
  expect(denied.status).toBe(429);
  expect(denied.body).toMatchObject({ allowed: false, count: 2, limit: 2, remaining: 0 });
  const retryAfterMs = Number(denied.body["retryAfterMs"]);
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(retryAfterMs).toBeLessThanOrEqual(30_000);
  const seconds = String(Math.ceil(retryAfterMs / 1_000));
  expect(rateLimitHeaders(denied.headers)).toEqual({
    limit: "2",
    remaining: "0",
    reset: seconds,
    status: "redis",
    retry: seconds,
  });
});

test("a cost is admitted whole or not at all, and one above the limit is refused", async () => {
  expect((await nodes[0].check({ key: "costly", cost: 60 })).body).toMatchObject({
    allowed: true,
    count: 60,
    remaining: 40,
  });
  expect((await nodes[1].check({ key: "costly", cost: 41 })).body).toMatchObject({
    allowed: false,
    count: 60,
    remaining: 40,
  });
  expect((await nodes[2].check({ key: "costly", cost: 40 })).body).toMatchObject({ allowed: true, count: 100 });
  expect(await nodes[0].check({ key: "costly", cost: 101 })).toMatchObject({
    status: 400,
    body: { code: "cost_above_limit", message: expect.stringContaining("cost 101") },
  });
});

test.each([
  ["a limit of the caller's own", { key: "k", limit: 1_000 }],
  ["a window of the caller's own", { key: "k", windowMs: -5 }],
  ["no key", { cost: 1 }],
  ["an empty key", { key: "" }],
  ["a key that is too long", { key: "k".repeat(257) }],
  ["a key that isn't Unicode", { key: "\ud800" }],
  ["a cost of nothing", { key: "k", cost: 0 }],
  ["half a cost", { key: "k", cost: 1.5 }],
  ["a list", [1]],
])("%s is refused with a code", async (_, body) => {
  expect(await nodes[0].check(body)).toMatchObject({
    status: 400,
    body: { code: "body_invalid", message: expect.any(String) },
  });
});

test("a refusal quotes the value", async () => {
  const { body } = await nodes[0].check({ key: "k", limit: 1_000 });
  expect(body["message"]).toContain('{"key":"k","limit":1000}');
});

test.each([
  ["no JSON", "application/json", "{", 400, "body_unreadable"],
  ["another type", "text/plain", "key=k", 400, "body_unreadable"],
  ["too much", "application/json", JSON.stringify({ key: "k".repeat(10_000) }), 413, "body_too_large"],
])("a body that is %s is refused", async (_, type, body, status, code) => {
  const headers = { "content-type": type };
  const response = await fetch(`${nodes[0].url}/v1/check`, { method: "POST", headers, body });
  expect(await response.json()).toMatchObject({ code });
  expect(response.status).toBe(status);
});

test("what isn't there is said in the same form", async () => {
  expect(await nodes[0].get("/v1/nothing")).toMatchObject({ status: 404, body: { code: "route_unknown" } });
});

test("a stored limit is enforced by every node", async () => {
  await storeEverywhere("stored", { limit: 3, windowMs: 60_000 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) => (nodes[at % 3] ?? nodes[0]).check({ key: "stored" })),
  );
  expect(count(answers, 200)).toBe(3);
});

test("scripts that Redis forgot fail no request", async () => {
  await server.client.script("FLUSH");
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, at) => (nodes[at % 3] ?? nodes[0]).check({ key: "flushed" })),
  );
  expect(answers.every((answer) => answer.status === 200 && answer.headers.get("x-ratelimit-status") === "redis")).toBe(
    true,
  );
  expect(await server.client.zcard("ratelimit:flushed")).toBe(60);
});

test("a hot key that is denied is answered from memory, and a reset is felt at once here, soon elsewhere", async () => {
  await nodes[0].check({ key: "hot", cost: 100 });
  expect((await nodes[0].check({ key: "hot" })).status).toBe(429);
  expect((await nodes[1].check({ key: "hot" })).status).toBe(429);
  const before = (await nodes[0].metric("ratelimiter_denied_from_memory_total")) ?? 0;
  const answers = await Promise.all(Array.from({ length: 50 }, () => nodes[0].check({ key: "hot" })));
  expect(count(answers, 429)).toBe(50);
  expect(await nodes[0].metric("ratelimiter_denied_from_memory_total")).toBeGreaterThan(before);

  await nodes[0].manage("POST", "counters/hot/reset");
  expect((await nodes[0].check({ key: "hot" })).status).toBe(200);
  await until(
    "the other node feels the reset",
    async () => (await nodes[1].check({ key: "hot" })).status === 200,
    1_000,
  );
});

test("a key that holds something else takes the protection from that key only", async () => {
  await server.client.set("ratelimit:broken", "text", "PX", 60_000);
  for (let at = 0; at < 5; at++) {
    const answer = await nodes[0].check({ key: "broken" });
    expect(answer.headers.get("x-ratelimit-status")).toBe("degraded");
  }
  expect((await nodes[0].check({ key: "fine" })).headers.get("x-ratelimit-status")).toBe("redis");
  expect((await nodes[0].get("/healthz")).status).toBe(200);
  expect(nodes[0].log()).not.toContain("Redis doesn't answer");
});

test("decisions are counted by outcome and source, and timed", async () => {
  const allowed = 'outcome="allowed",source="redis"';
  const before = (await nodes[2].metric("ratelimiter_decisions_total", allowed)) ?? 0;
  const timedBefore = (await nodes[2].metric("ratelimiter_decision_duration_seconds_count")) ?? 0;
  await nodes[2].check({ key: "counted" });
  await until(
    "the decision is counted and timed",
    async () =>
      (await nodes[2].metric("ratelimiter_decisions_total", allowed)) === before + 1 &&
      (await nodes[2].metric("ratelimiter_decision_duration_seconds_count")) === timedBefore + 1,
  );
  for (const labels of ['outcome="allowed",source="fail_open"', 'outcome="error",source="fail_closed"']) {
    expect(await nodes[2].metric("ratelimiter_decisions_total", labels)).toBe(0);
  }
  expect(await nodes[2].metric("ratelimiter_redis_connected", 'node="c"')).toBe(1);
  expect(await nodes[2].metric("ratelimiter_redis_roundtrip_seconds_count")).toBeGreaterThan(0);
  expect(await nodes[2].metric("ratelimiter_nodejs_eventloop_lag_seconds")).toBeDefined();
});

test("every counter and every node expires: only limits, members and departures stay", async () => {
  await Promise.all(Array.from({ length: 30 }, (_, at) => nodes[0].check({ key: `key-${at}` })));
  const lasting = [];
  for (const key of await server.client.keys("*")) if ((await server.client.pttl(key)) === -1) lasting.push(key);
  expect(lasting.sort()).toEqual(["ratelimiter:limits", "ratelimiter:limits:version", "ratelimiter:members"]);
});

/** Stores a limit and waits until every node applies it. */
async function storeEverywhere(key: string, limit: { limit: number; windowMs: number }): Promise<void> {
  const { body } = await nodes[0].manage("PUT", `limits/${key}`, limit);
  for (const node of nodes) {
    await until("the node knows", async () => (await node.metric("ratelimiter_limits_version")) === body["version"]);
  }
}

function count(answers: Awaited<ReturnType<typeof call>>[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

function rateLimitHeaders(headers: Headers) {
  return {
    limit: headers.get("x-ratelimit-limit"),
    remaining: headers.get("x-ratelimit-remaining"),
    reset: headers.get("x-ratelimit-reset"),
    status: headers.get("x-ratelimit-status"),
    retry: headers.get("retry-after"),
  };
}

import { afterEach, beforeEach, expect, test } from "vitest";
import { type NodeFixture, startNodeProcess } from "./node.fixture.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// Redis killed, paused, emptied: what callers and those who watch are told meanwhile and after.

let server: RedisFixture;
const started: NodeFixture[] = [];
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const node of started.splice(0)) await node[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** As in production, so that what is printed is what callers would see. */
const impatient = { RATELIMITER_COMMAND_TIMEOUT_MS: "100" };

const breaks = [
  ["killed", { break: () => server.kill(), mend: () => server.restart() }],
  ["paused", { break: () => server.pause(), mend: () => server.resume() }],
] as const;

test.each(breaks)(
  "Redis %s, policy open: everybody is let through and told so, and it heals by itself",
  async (_, redis) => {
    const node = await start("a", impatient);
    await untilExact(node);
    const openBefore = await failedOpen(node);

    await redis.break();
    const answers = await askMeanwhile(node, 40);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, body: { allowed: true, count: null, limit: 100, remaining: null } });
      expect(answer.headers.get("x-ratelimit-status")).toBe("degraded");
      expect(answer.headers.get("x-ratelimit-remaining")).toBeNull();
    }
    await untilUnwell(node);
    expect(await failedOpen(node)).toBe(openBefore + 40);

    await redis.mend();
    await untilWell(node);
    await untilExact(node);
  },
);

test.each(breaks)(
  "Redis %s, policy closed: nobody is let through, with 503 and when to come back",
  async (_, redis) => {
    const node = await start("a", { ...impatient, RATELIMITER_FAILURE_POLICY: "closed" });
    await redis.break();
    for (const answer of await askMeanwhile(node, 20)) {
      expect(answer).toMatchObject({
        status: 503,
        body: { code: "redis_unavailable", allowed: false, retryAfterMs: 1_000 },
      });
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(answer.headers.get("x-ratelimit-status")).toBe("degraded");
    }
    expect(await node.metric("ratelimiter_decisions_total", 'outcome="error",source="fail_closed"')).toBe(20);
    await redis.mend();
    await untilWell(node);
  },
);

test.each(breaks)("Redis %s and nobody asks: the gauge and healthz tell all the same", async (_, redis) => {
  const node = await start("a", impatient);
  await redis.break();
  const startedAtMs = performance.now();
  await untilUnwell(node);
  console.log(`told after ${Math.round(performance.now() - startedAtMs)} ms`);
  expect((await node.get("/livez")).status).toBe(200);
  expect(await node.manage("GET", "nodes")).toMatchObject({ status: 503, body: { code: "redis_unavailable" } });
  await redis.mend();
  const mendedAtMs = performance.now();
  await untilWell(node);
  console.log(`well again after ${Math.round(performance.now() - mendedAtMs)} ms`);
});

test("a limit may have a failure policy of its own, and is known while Redis is away", async () => {
  const node = await start("a", {});
  await node.manage("PUT", "limits/login", { limit: 5, windowMs: 60_000, failurePolicy: "closed" });
  await server.kill();
  expect(await node.check({ key: "login" })).toMatchObject({ status: 503, body: { limit: 5 } });
  expect(await node.check({ key: "search" })).toMatchObject({ status: 200, body: { limit: 100 } });
});

test("a Redis that only reads can't decide, and the node doesn't call that connected", async () => {
  const node = await start("a", {});
  await server.client.replicaof("127.0.0.1", "1");
  await untilUnwell(node);
  // It stays so, though its PING is answered.
  for (let at = 0; at < 30; at++) {
    expect(await node.metric("ratelimiter_redis_connected")).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect((await node.check({ key: "k" })).headers.get("x-ratelimit-status")).toBe("degraded");
  await server.client.replicaof("NO", "ONE");
  await untilWell(node);
});

test("a Redis that lost everything gets limits and members back from its nodes", async () => {
  const [a, b] = [await start("a", {}), await start("b", {})];
  await a.manage("PUT", "limits/kept", { limit: 7, windowMs: 60_000 });
  await until("both know the limit", async () => (await b.check({ key: "kept" })).body["limit"] === 7);

  await server.restart();
  for (const node of [a, b]) await untilWell(node);
  await until(
    "the limit is stored again",
    async () => (await server.client.hexists("ratelimiter:limits", "kept")) === 1,
  );
  await until("both are members again", async () => (await server.client.smembers("ratelimiter:members")).length === 2);
  for (const node of [a, b]) expect((await node.check({ key: "kept" })).body["limit"]).toBe(7);
  // And a change after it reaches everybody: the version didn't begin again.
  await b.manage("PUT", "limits/kept", { limit: 8, windowMs: 60_000 });
  await until("the other knows the change", async () => (await a.check({ key: "kept" })).body["limit"] === 8);
});

test("a node that starts without Redis answers by its policy, and joins when Redis comes", async () => {
  await server.kill();
  const rarely = {
    RATELIMITER_HEARTBEAT_MS: "50000",
    RATELIMITER_NODE_TTL_MS: "100000",
    RATELIMITER_LIMITS_REFRESH_MS: "50000",
  };
  const node = await startNodeProcess("a", server.url, rarely);
  started.push(node);
  expect(await node.check({ key: "k" })).toMatchObject({ status: 200, body: { count: null } });
  expect((await node.get("/healthz")).status).toBe(503);
  await server.restart();
  await untilWell(node);
  // When the connection is there, not when its turn comes; and so again with each new connection.
  await until("it's a member", async () => (await server.client.sismember("ratelimiter:members", "a")) === 1);
  await server.client.set("ratelimiter:limits:version", "5");
  await server.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await until("it has read the limits", async () => (await node.metric("ratelimiter_limits_version")) === 5);
});

async function start(nodeId: string, env: Record<string, string>): Promise<NodeFixture> {
  const node = await startNodeProcess(nodeId, server.url, {
    RATELIMITER_LIMITS_REFRESH_MS: "200",
    ...env,
  });
  started.push(node);
  await untilWell(node);
  return node;
}

/** Asks one after the other, says how long the answers took, returns them. */
async function askMeanwhile(node: NodeFixture, times: number) {
  const answers = [];
  for (let at = 0; at < times; at++) answers.push(await node.check({ key: "k" }));
  const sorted = answers.map((answer) => Math.round(answer.tookMs)).sort((a, b) => a - b);
  console.log(`answers took ${sorted[times >> 1]} ms in the middle, ${sorted.at(-1)} ms at most`);
  return answers;
}

async function untilUnwell(node: NodeFixture, withinMs = 5_000): Promise<void> {
  await until("the gauge is 0", async () => (await node.metric("ratelimiter_redis_connected")) === 0, withinMs);
  expect(await node.get("/healthz")).toMatchObject({
    status: 503,
    body: { status: "degraded", redis: "disconnected", reason: expect.any(String) },
  });
}

async function untilWell(node: NodeFixture): Promise<void> {
  await until("the gauge is 1", async () => (await node.metric("ratelimiter_redis_connected")) === 1);
  await until("healthz is ok", async () => (await node.get("/healthz")).body["status"] === "ok");
}

async function untilExact(node: NodeFixture): Promise<void> {
  await until(
    "Redis decides",
    async () => (await node.check({ key: "k" })).headers.get("x-ratelimit-status") === "redis",
  );
}

async function failedOpen(node: NodeFixture): Promise<number> {
  return (await node.metric("ratelimiter_decisions_total", 'outcome="allowed",source="fail_open"')) ?? 0;
}

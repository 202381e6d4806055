import { afterEach, beforeEach, expect, test } from "vitest";
import { createApp } from "./app.ts";
import { checkRoute } from "./check.ts";
import { pino } from "pino";
import { createAccount } from "./account.ts";
import { createDecider } from "./decide.ts";
import { createDenials } from "./denials.ts";
import { createLimits } from "./limits.ts";
import { createLink } from "./link.ts";
import { connectRedis } from "./redis.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// What nodes know of the limits, and what becomes of them when Redis loses its data.

const fallback = { limit: 100, windowMs: 60_000 };
const some = { limit: 7, windowMs: 60_000 };

let server: RedisFixture;
const clients: ReturnType<typeof connectRedis>[] = [];
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await server[Symbol.asyncDispose]();
});

test("a node that never read the limits does so before its first decision", async () => {
  const [one, fresh] = [await node(), await node()];
  await one.limits.store("early", some);
  const app = createApp(pino({ level: "silent" }));
  const settings = { nodeId: "fresh", failurePolicy: "open", onMemory: () => {} } as const;
  const account = createAccount({ keysMax: 1, hitsMax: 1, hitsPerKeyMax: 1 });
  const decide = createDecider(fresh.redis, fresh.link, createDenials(0, 1), account, settings);
  checkRoute(app, fresh.limits, decide, { decided: () => {}, tookMs: () => {}, isDraining: () => false });
  const answer = await app.inject({ method: "POST", url: "/v1/check", payload: { key: "early" } });
  expect(answer.json()).toMatchObject({ allowed: true, limit: 7 });
  await app.close();
});

test("a change is seen by others when they look", async () => {
  const [one, other] = [await node(), await node()];
  await one.limits.store("k", some);
  expect(other.limits.of("k")).toEqual(fallback);
  await other.limits.refresh();
  expect(other.limits.of("k")).toEqual(some);
  await one.limits.remove("k");
  await other.limits.refresh();
  expect(other.limits.of("k")).toEqual(fallback);
});

test("an emptied Redis gets them back from the first who looks, and a change right after it is seen by all", async () => {
  const [one, other] = [await node(), await node()];
  await one.limits.store("old", some);
  await other.limits.refresh();
  await server.client.flushall();
  await one.limits.store("new", { limit: 8, windowMs: 1_000 });
  await other.limits.refresh();
  for (const { limits } of [one, other]) {
    expect(limits.of("old")).toEqual(some);
    expect(limits.of("new")).toEqual({ limit: 8, windowMs: 1_000 });
  }
});

test("a Redis that lost nothing is never restored over", async () => {
  const { redis, limits } = await node();
  await limits.store("k", some);
  const stale = ["k", '{"limit":1,"windowMs":1000}'];
  expect(await redis.restoreLimits("ratelimiter:limits", "ratelimiter:limits:version", 9, ...stale)).toBe(0);
  expect(await redis.hget("ratelimiter:limits", "k")).toBe(JSON.stringify(some));
  expect(await redis.get("ratelimiter:limits:version")).toBe("1");
});

async function node() {
  const redis = connectRedis(server.url, "test");
  clients.push(redis);
  const settings = {
    nodeId: "test",
    commandTimeoutMs: 1_000,
    failuresMax: 3,
    onChange: () => {},
    onRoundTrip: () => {},
  };
  const link = createLink(redis, settings);
  await until("Redis is connected", () => link.state().connected);
  return { redis, link, limits: createLimits(redis, link, fallback, () => {}) };
}

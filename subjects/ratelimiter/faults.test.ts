import type { Fault, Member } from "@operator/subject/fault";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { faults } from "./faults.ts";
import { managementToken, type NodeFixture, startNodeProcess } from "./service/src/node.fixture.ts";
import { type RedisFixture, startRedis } from "./service/src/redis.fixture.ts";
import { until } from "./service/src/until.fixture.ts";

// Faults by API, on a real Redis and a real node: made, proved, taken back. Those by the supervisor are chaos' to test.

let redis: RedisFixture;
let node: NodeFixture;
let environment: Record<string, string>;
const key = "load-1";
const target = "key-load-1";

beforeAll(async () => {
  redis = await startRedis();
  node = await startNodeProcess("node-a", redis.url, { RATELIMITER_DEFAULT_LIMIT: "20" });
  await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
  environment = {
    RATELIMITER_REDIS_URL: redis.url,
    RATELIMITER_NODES: `node-a=${node.url}`,
    RATELIMITER_MANAGEMENT_TOKEN: managementToken,
  };
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

function byApi(name: string): Extract<Fault, { by: "api" }> {
  const fault = faults.find((one) => one.name === name);
  if (fault?.by !== "api") throw new Error(`no fault by API is named ${name}`);
  return fault;
}

/** As chaos does it: the schema's own defaults, and a revert that may know nothing of what inject gave. */
function made(name: string, of: string, ttlMs = 60_000) {
  const fault = byApi(name);
  const given = { target: of, parameters: fault.parameters.parse({}) };
  const signal = () => AbortSignal.timeout(5_000);
  return {
    inject: () => fault.inject({ ...given, ttlMs }, { environment }, signal()),
    proof: () => fault.proof(given, { environment }, signal()),
    revert: () => fault.revert?.({ ...given, undo: null }, { environment }, signal()),
  };
}

const isAllowed = async () => (await node.check({ key })).body["allowed"];
const stored = async () => (await node.manage("GET", "limits")).body["limits"];

test("forged hits deny a key that nobody used, until exactly they are taken back", async () => {
  await node.check({ key });
  const fault = made("forge_counters", target);
  expect(await fault.proof()).toBeUndefined();
  await fault.inject();
  expect(await fault.proof()).toContain("40 hits");
  expect(await isAllowed()).toBe(false);
  await fault.revert();
  expect(await redis.client.zcard(`ratelimit:${key}`)).toBe(1);
  await until("it's admitted again", async () => (await isAllowed()) === true);
  await fault.revert();
  expect(await fault.proof()).toBeUndefined();
});

test.each([
  ["nothing", undefined],
  ["a limit of its own", { limit: 7, windowMs: 1_000, failurePolicy: "closed" }],
])("a wrong limit replaces %s, and that is given back, made twice and reverted twice", async (_, before) => {
  if (before) await node.manage("PUT", `limits/${key}`, before);
  const was = await stored();
  const fault = made("wrong_limit", target);
  expect(await fault.proof()).toBeUndefined();
  await fault.inject();
  await fault.inject();
  expect(await fault.proof()).toContain("2000 in 10000 ms");
  expect((await node.check({ key })).body["limit"]).toBe(2_000);
  await fault.revert();
  expect(await stored()).toEqual(was);
  await fault.revert();
  expect(await stored()).toEqual(was);
});

test("a paused Redis says nothing, and goes on by itself", async () => {
  const fault = made("pause_redis", "redis", 1_500);
  expect(await fault.proof()).toBeUndefined();
  await fault.inject();
  expect(await fault.proof()).toContain("didn't answer");
  expect(byApi("pause_redis").revert).toBeUndefined();
  await until("it answers", async () => z.literal("PONG").safeParse(await redis.client.ping()).success);
  expect(await fault.proof()).toBeUndefined();
});

test("every fault is about members that the supervisor lists, or about keys of a Redis that it lists", () => {
  const member = (name: string, kind: string): Member => ({ target: name, kind, state: "running" });
  const inNetwork = { networks: { connected: ["redis"], cut: [] } };
  const members = [
    { ...member("node-a", "node"), ...inNetwork },
    member("node-b", "node"),
    { ...member("redis", "redis"), ...inNetwork },
  ];
  for (const { targets } of faults) expect(targets([])).toEqual([]);
  expect(Object.fromEntries(faults.map(({ name, targets }) => [name, targets(members)]))).toEqual({
    kill_node: ["node-a", "node-b"],
    pause_node: ["node-a", "node-b"],
    cut_redis: ["node-a"],
    kill_redis: ["redis"],
    pause_redis: ["redis"],
    forge_counters: ["key-load-0", "key-load-1"],
    wrong_limit: ["key-load-0", "key-load-1"],
  });
});

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type NodeFixture, startNodeProcess } from "./node.fixture.ts";
import { createLink } from "./link.ts";
import { createRegistry } from "./registry.ts";
import { connectRedis } from "./redis.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// Who is here, who is missed, who left on purpose.

let server: RedisFixture;
const started: NodeFixture[] = [];
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.client.flushall());
afterEach(async () => {
  for (const node of started.splice(0)) await node[Symbol.asyncDispose]();
});

test("a node joins at once and tells of itself", async () => {
  const node = await start("a");
  expect(await server.client.smembers("ratelimiter:members")).toEqual(["a"]);
  const hash = await server.client.hgetall("ratelimiter:node:a");
  expect(hash).toMatchObject({ id: "a", url: node.url, status: "up", version: "0.1.0", limitsVersion: "0" });
  const [seconds] = await server.client.time();
  expect(Math.abs(Number(hash["heartbeatAtMs"]) - Number(seconds) * 1_000)).toBeLessThan(3_000);
  expect(Number(hash["startedAtMs"])).toBeLessThanOrEqual(Number(hash["heartbeatAtMs"]));
  // The first heartbeat may come before any command was timed.
  await until(
    "a round trip is told",
    async () => Number(await server.client.hget("ratelimiter:node:a", "redisRoundTripMs")) > 0,
  );
  const ttlMs = await server.client.pttl("ratelimiter:node:a");
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(600);
});

test("a heartbeat renews, and the start stays the start", async () => {
  await start("a");
  const first = await server.client.hgetall("ratelimiter:node:a");
  await until("a later heartbeat", async () => {
    const beat = await server.client.hget("ratelimiter:node:a", "heartbeatAtMs");
    return Number(beat) > Number(first["heartbeatAtMs"]);
  });
  expect(await server.client.hget("ratelimiter:node:a", "startedAtMs")).toBe(first["startedAtMs"]);
});

test("a node that died is missed: its hash expires, its membership doesn't", async () => {
  const [dead, other] = [await start("dead"), await start("other")];
  dead.signal("SIGKILL");
  await dead.exited;
  await until("its hash has expired", async () => (await server.client.exists("ratelimiter:node:dead")) === 0);
  expect(await server.client.sismember("ratelimiter:members", "dead")).toBe(1);
  expect(await server.client.hexists("ratelimiter:departed", "dead")).toBe(0);
  const { body } = await other.manage("GET", "nodes");
  expect(body["nodes"]).toEqual([
    { id: "dead", status: "missing" },
    expect.objectContaining({ id: "other", status: "up" }),
  ]);
});

test("a node that was paused is missed and comes back by itself", async () => {
  const node = await start("a");
  const startedAtMs = await server.client.hget("ratelimiter:node:a", "startedAtMs");
  node.signal("SIGSTOP");
  await until("its hash has expired", async () => (await server.client.exists("ratelimiter:node:a")) === 0);
  node.signal("SIGCONT");
  await until("it's back", async () => (await server.client.exists("ratelimiter:node:a")) === 1);
  expect(await server.client.hget("ratelimiter:node:a", "startedAtMs")).toBe(startedAtMs);
});

test("a node that is asked to stop decides while it drains, leaves with evidence, and ends with 0", async () => {
  const node = await start("a", { RATELIMITER_DRAIN_MS: "1500" });
  node.signal("SIGTERM");
  await until("it drains", async () => (await server.client.hget("ratelimiter:node:a", "status")) === "draining");
  expect(await node.get("/healthz")).toMatchObject({ status: 503, body: { status: "draining" } });
  const answer = await node.check({ key: "k" });
  expect(answer).toMatchObject({ status: 200, body: { allowed: true, count: 1 } });
  expect(answer.headers.get("connection")).toBe("close");
  expect(await node.exited).toBe(0);
  expect(await server.client.smembers("ratelimiter:members")).toEqual([]);
  expect(await server.client.exists("ratelimiter:node:a")).toBe(0);
  const [seconds] = await server.client.time();
  const departedAtMs = Number(await server.client.hget("ratelimiter:departed", "a"));
  expect(Math.abs(departedAtMs - Number(seconds) * 1_000)).toBeLessThan(3_000);
});

test("draining lasts longer than the registry's memory: the node stays in it until it leaves", async () => {
  const node = await start("a", { RATELIMITER_DRAIN_MS: "2000", RATELIMITER_NODE_TTL_MS: "400" });
  node.signal("SIGTERM");
  await until("it drains", async () => (await server.client.hget("ratelimiter:node:a", "status")) === "draining");
  const first = Number(await server.client.hget("ratelimiter:node:a", "heartbeatAtMs"));
  await until(
    "it was renewed",
    async () => Number(await server.client.hget("ratelimiter:node:a", "heartbeatAtMs")) > first + 400,
  );
  expect(await node.exited).toBe(0);
});

test("who comes back isn't departed any more", async () => {
  await server.client.hset("ratelimiter:departed", "a", "1");
  await start("a");
  expect(await server.client.hexists("ratelimiter:departed", "a")).toBe(0);
});

test("departures are remembered for a day", async () => {
  const [seconds] = await server.client.time();
  const nowMs = Number(seconds) * 1_000;
  await server.client.hset("ratelimiter:departed", { old: nowMs - 86_500_000, late: nowMs - 80_000_000 });
  const node = await start("a");
  node.signal("SIGTERM");
  await node.exited;
  expect(Object.keys(await server.client.hgetall("ratelimiter:departed")).sort()).toEqual(["a", "late"]);
});

test("a process that was replaced under its id doesn't take its successor out", async () => {
  const redis = connectRedis(server.url, "test");
  await until("the client is connected", () => redis.status === "ready");
  const places = ["ratelimiter:node:a", "ratelimiter:members", "ratelimiter:departed"];
  await redis.renew(...places, "a", 60_000, "", "instance", "old");
  await redis.renew(...places, "a", 60_000, "", "instance", "new");
  expect(await redis.leave(...places, "a", "old", 86_400_000)).toEqual([0, expect.any(Number)]);
  expect(await server.client.sismember("ratelimiter:members", "a")).toBe(1);
  expect(await server.client.exists("ratelimiter:node:a")).toBe(1);
  expect(await redis.leave(...places, "a", "new", 86_400_000)).toEqual([1, expect.any(Number)]);
  expect(await server.client.sismember("ratelimiter:members", "a")).toBe(0);
  redis.disconnect();
});

test("a heartbeat that comes late doesn't join again", async () => {
  const redis = connectRedis(server.url, "test");
  const link = createLink(redis, {
    nodeId: "late",
    commandTimeoutMs: 1_000,
    failuresMax: 3,
    onChange: () => {},
    onRoundTrip: () => {},
  });
  const registry = createRegistry(redis, link, {
    id: "late",
    instance: "one",
    url: () => "http://127.0.0.1:1",
    version: "0",
    ttlMs: 60_000,
    limitsVersion: () => 0,
  });
  await until("Redis is connected", () => link.state().connected);
  await registry.heartbeat();
  expect(await server.client.sismember("ratelimiter:members", "late")).toBe(1);
  await registry.leave();
  await registry.heartbeat();
  expect(await server.client.sismember("ratelimiter:members", "late")).toBe(0);
  redis.disconnect();
});

test("a dead node can be forgotten, one that lives can't", async () => {
  const [dead, other] = [await start("dead"), await start("other")];
  expect(await other.manage("DELETE", "nodes/dead")).toMatchObject({ status: 409, body: { code: "node_alive" } });
  dead.signal("SIGKILL");
  await until("its hash has expired", async () => (await server.client.exists("ratelimiter:node:dead")) === 0);
  expect(await other.manage("DELETE", "nodes/dead")).toMatchObject({ status: 200, body: { forgotten: true } });
  expect(await server.client.smembers("ratelimiter:members")).toEqual(["other"]);
  expect(await server.client.hexists("ratelimiter:departed", "dead")).toBe(1);
  expect(await other.manage("DELETE", "nodes/dead")).toMatchObject({ status: 404, body: { code: "node_unknown" } });
});

test("a node that is told to drain leaves and ends in order, once", async () => {
  const node = await start("drained");
  expect(await node.manage("POST", "drain")).toMatchObject({ status: 202, body: { draining: true } });
  await node.exited;
  expect(node.log()).toContain('"msg":"stopped"');
  expect(await server.client.sismember("ratelimiter:members", "drained")).toBe(0);
  expect(await server.client.hexists("ratelimiter:departed", "drained")).toBe(1);
});

test("a bad configuration ends the process with 78 and lists everything that is wrong", () => {
  const ended = spawnSync(process.execPath, [fileURLToPath(new URL("main.ts", import.meta.url))], {
    env: { PATH: process.env["PATH"] ?? "", RATELIMITER_PORT: "many", RATELIMITER_MANAGEMENT_TOKEN: "short" },
    encoding: "utf8",
  });
  expect(ended.status).toBe(78);
  for (const name of ["NODE_ID", "REDIS_URL", "PORT", "MANAGEMENT_TOKEN"])
    expect(ended.stderr).toContain(`RATELIMITER_${name}`);
});

async function start(nodeId: string, env: Record<string, string> = {}): Promise<NodeFixture> {
  const node = await startNodeProcess(nodeId, server.url, {
    RATELIMITER_HEARTBEAT_MS: "100",
    RATELIMITER_NODE_TTL_MS: "600",
    RATELIMITER_DRAIN_MS: "50",
    ...env,
  });
  started.push(node);
  await until(
    `${nodeId} has joined`,
    async () => (await server.client.hget(`ratelimiter:node:${nodeId}`, "url")) === node.url,
  );
  return node;
}

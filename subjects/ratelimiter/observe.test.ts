import type { Observation, Reading } from "@operator/subject/observation";
import { afterEach, beforeEach, expect, test } from "vitest";
import { observe } from "./observe.ts";
import { type NodeFixture, startNodeProcess } from "./service/src/node.fixture.ts";
import { type RedisFixture, startRedis } from "./service/src/redis.fixture.ts";
import { until } from "./service/src/until.fixture.ts";
import { state } from "./state.ts";

let redis: RedisFixture;
let nodeA: NodeFixture;
let nodeB: NodeFixture;
let observation: Observation;

beforeEach(async () => {
  redis = await startRedis();
  const start = (id: string) => startNodeProcess(id, redis.url, { RATELIMITER_NODE_TTL_MS: "3000" });
  [nodeA, nodeB] = await Promise.all([start("node-a"), start("node-b")]);
  // One is configured, the other is to be found in the registry.
  observation = await observe({ RATELIMITER_REDIS_URL: redis.url, RATELIMITER_NODES: `node-a=${nodeA.url}` });
  await until("both nodes are in the register", async () => {
    const { members } = state.registry.parse(valueOf(await read("registry"), "cluster"));
    return members.length === 2 && observation.probeTargets().length === 3;
  });
});

afterEach(async () => {
  await observation.close();
  await nodeA[Symbol.asyncDispose]();
  await nodeB[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

async function read(name: string): Promise<Record<string, Reading>> {
  const source = observation.sources.find((source) => source.name === name);
  if (!source) throw new Error(`no source ${name}`);
  return await source.read(AbortSignal.timeout(source.timeoutMs));
}

function valueOf(readings: Record<string, Reading>, target: string): unknown {
  const reading = readings[target];
  if (!reading || !("value" in reading)) throw new Error(`${target} wasn't read: ${JSON.stringify(reading)}`);
  return reading.value;
}

/** The code that a whole read fails with; undefined when it doesn't fail. */
function failureOf(name: string): Promise<unknown> {
  return read(name).then(
    () => undefined,
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : String(error)),
  );
}

test("every source reads what the state's schema says", async () => {
  for (let n = 0; n < 20; n += 1) await nodeA.check({ key: "k" });
  await read("metrics");
  for (let n = 0; n < 20; n += 1) await nodeA.check({ key: "k" });

  const cluster = state.registry.parse(valueOf(await read("registry"), "cluster"));
  expect(cluster.members).toEqual(["node-a", "node-b"]);
  expect(cluster.nodes["node-a"]).toMatchObject({ present: true, status: "up", url: nodeA.url });
  expect(cluster.redisTimeMs - (cluster.nodes["node-a"]?.heartbeatAtMs ?? 0)).toBeLessThan(60_000);

  const info = state.redis.parse(valueOf(await read("redis"), "redis"));
  expect(info).toMatchObject({ role: "master", loading: false });
  expect(info.usedMemoryBytes).toBeGreaterThan(0);

  const metrics = await read("metrics");
  expect(Object.keys(metrics).toSorted()).toEqual(["node-a", "node-b"]);
  const node = state.metrics.parse(valueOf(metrics, "node-a"));
  expect(node).toMatchObject({ redisConnected: true, requests: 20, byFailOpenPerS: 0 });
  expect(node.allowedPerS).toBeGreaterThan(0);
  expect(node.latencyP99Ms).toBeGreaterThan(0);
  expect(state.metrics.parse(valueOf(metrics, "node-b"))).toMatchObject({ redisConnected: true, requests: 0 });
});

test("a read never asks Redis for anything whose cost grows with the number of keys", async () => {
  await nodeA.manage("PUT", "limits/k", { limit: 5, windowMs: 1_000 });
  await read("limits");
  // Paused, so that nobody else asks.
  nodeA.signal("SIGSTOP");
  nodeB.signal("SIGSTOP");
  await redis.client.config("RESETSTAT");
  for (const { name } of observation.sources) await read(name);
  const asked = (await redis.client.info("commandstats")).matchAll(/^cmdstat_([^:]+):/gm);
  const commands = [...asked].map(([, command = ""]) => command).filter((command) => command !== "config|resetstat");
  expect(commands.toSorted()).toEqual("eval_ro get hgetall hlen hmget info scard smembers time zcount".split(" "));
});

test("a killed Redis fails its sources and leaves the nodes' metrics; a new one is read again", async () => {
  await redis.kill();
  await until("the registry can't be read", async () => (await failureOf("registry")) === "REDIS_UNREACHABLE");
  expect(await failureOf("redis")).toBe("REDIS_UNREACHABLE");
  await until(
    "a node says that it lost Redis",
    async () => state.metrics.parse(valueOf(await read("metrics"), "node-a")).redisConnected === false,
  );
  // What was learnt of the nodes is still known.
  expect(
    observation
      .probeTargets()
      .map(({ target }) => target)
      .toSorted(),
  ).toEqual(["node-a", "node-b", "redis"]);
  await redis.restart();
  await until("it's read again", async () => (await failureOf("registry")) === undefined);
  await until(
    "the nodes are back in it",
    async () => state.registry.parse(valueOf(await read("registry"), "cluster")).members.length === 2,
  );
});

test("a paused Redis is a timeout, and read again when it goes on", async () => {
  redis.pause();
  expect(await failureOf("registry")).toBe("REDIS_TIMEOUT");
  expect(await failureOf("redis")).toBe("REDIS_TIMEOUT");
  redis.resume();
  await until("it's read again", async () => (await failureOf("registry")) === undefined);
});

test("a paused node costs only its own reading", async () => {
  nodeB.signal("SIGSTOP");
  await until("the other one is read beside it", async () => {
    const metrics = await read("metrics");
    expect(metrics["node-b"]).toMatchObject({ error: { code: "METRICS_TIMEOUT" } });
    return "value" in (metrics["node-a"] ?? {});
  });
  nodeB.signal("SIGCONT");
  await until("it's read again", async () => "value" in ((await read("metrics"))["node-b"] ?? {}));
});

test("a killed node stays a target, one that left on purpose doesn't", async () => {
  nodeA.signal("SIGKILL");
  await nodeA.exited;
  expect((await read("metrics"))["node-a"]).toMatchObject({ error: { code: "ECONNREFUSED" } });
  await until(
    "its entry expired",
    async () => state.registry.parse(valueOf(await read("registry"), "cluster")).nodes["node-a"]?.present === false,
  );
  expect(observation.probeTargets().map(({ target }) => target)).toContain("node-a");

  nodeB.signal("SIGTERM");
  await nodeB.exited;
  const cluster = state.registry.parse(valueOf(await read("registry"), "cluster"));
  expect(cluster.members).toEqual(["node-a"]);
  expect(Object.keys(cluster.departed)).toEqual(["node-b"]);
  expect(observation.probeTargets().map(({ target }) => target)).toEqual(["redis", "node-a"]);
  expect((await read("metrics"))["node-b"]).toEqual({ left: true });
});

test("a registry that is too large is refused, not read", async () => {
  await redis.client.sadd("ratelimiter:members", ...Array.from({ length: 1_001 }, (_, at) => `n${at}`));
  expect(await failureOf("registry")).toBe("REDIS_REFUSES");
});

import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLink, RedisUnavailable } from "./link.ts";
import { connectRedis } from "./redis.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// The way to Redis and its breaker, on a real Redis.

let server: RedisFixture;
let redis: ReturnType<typeof connectRedis>;
let changes: string[];
beforeEach(async () => {
  server = await startRedis();
  redis = connectRedis(server.url, "test");
  changes = [];
});
afterEach(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

test("with the breaker open nobody waits: Redis isn't asked, and the reason is given", async () => {
  const link = await connected(200);
  server.pause();
  for (let at = 0; at < 3; at++) await expect(link.attempt(() => redis.ping())).rejects.toThrow(RedisUnavailable);
  expect(link.state().connected).toBe(false);
  let asked = false;
  const answer = link.run(async () => (asked = true));
  await expect(answer).rejects.toThrow(RedisUnavailable);
  expect(asked).toBe(false);
});

test("an answer that came while this process was busy isn't held against Redis", async () => {
  const link = await connected(100);
  // Just after the sockets were read: the timeout is due before they are again.
  await new Promise((resolve) => setImmediate(resolve));
  const answer = link.run(() => redis.ping());
  // Longer than the timeout, without a turn of the event loop: as a long garbage collection would.
  const untilMs = performance.now() + 300;
  while (performance.now() < untilMs);
  expect(await answer).toBe("PONG");
  expect(link.state()).toMatchObject({ connected: true, failures: 0 });
});

test("an error about one key isn't one of Redis", async () => {
  const link = await connected(1_000);
  await redis.set("text", "text");
  for (let at = 0; at < 5; at++) await expect(link.run(() => redis.zcard("text"))).rejects.toThrow("WRONGTYPE");
  expect(changes).toEqual(["connected"]);
});

test("an error that is Redis' own opens the breaker, and it closes when Redis is well", async () => {
  const link = await connected(1_000);
  await server.client.config("SET", "maxmemory", "1");
  for (let at = 0; at < 3; at++) await expect(link.attempt(() => redis.set("a", "b"))).rejects.toThrow("OOM");
  expect(link.state()).toMatchObject({ connected: false, reason: expect.stringContaining("OOM") });
  await link.probe();
  expect(link.state().connected).toBe(false);
  await server.client.config("SET", "maxmemory", "0");
  await link.probe();
  expect(link.state().connected).toBe(true);
  expect(changes).toEqual(["connected", "disconnected", "connected"]);
});

test("when it opens Redis is asked at once, so a hiccup is over in a round trip", async () => {
  const link = await connected(1_000);
  for (let at = 0; at < 3; at++) {
    await expect(link.attempt(() => Promise.reject(new Error("a hiccup")))).rejects.toThrow(RedisUnavailable);
  }
  await until("it's closed again, and nobody had to ask", () => link.state().connected);
  expect(changes).toEqual(["connected", "disconnected", "connected"]);
});

test("one failed probe asks again at once, until it's certain", async () => {
  const link = await connected(50);
  server.pause();
  await link.probe();
  expect(link.state()).toMatchObject({ connected: false, failures: 3 });
});

test("what can't be sent now fails now", async () => {
  await connected(1_000);
  await server.kill();
  await until("the connection is gone", () => redis.status !== "ready");
  await expect(redis.get("a")).rejects.toThrow("Stream isn't writeable");
});

async function connected(commandTimeoutMs: number) {
  const link = createLink(redis, {
    nodeId: "test",
    commandTimeoutMs,
    failuresMax: 3,
    onChange: (connected) => changes.push(connected ? "connected" : "disconnected"),
    onRoundTrip: () => {},
  });
  await until("Redis is connected", () => link.state().connected);
  return link;
}

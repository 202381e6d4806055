import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { call, type NodeFixture, startNodeProcess } from "./node.fixture.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// The API for those who run the limiter.

let server: RedisFixture;
let node: NodeFixture;
beforeAll(async () => {
  server = await startRedis();
  node = await startNodeProcess("a", server.url, {
    RATELIMITER_LIMITS_REFRESH_MS: "60000",
    RATELIMITER_DENY_CACHE_MS: "1000",
  });
  await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const key of await server.client.keys("ratelimit:*")) await server.client.del(key);
});

test.each(["nodes", "limits", "counters", "counters/k"])("GET %s wants the token", async (path) => {
  const url = `${node.url}/v1/manage/${path}`;
  expect(await call(url, {})).toMatchObject({ status: 401, body: { code: "token_missing" } });
  expect(await call(url, { token: "not-the-token-of-it" })).toMatchObject({
    status: 401,
    body: { code: "token_wrong" },
  });
  expect((await node.manage("GET", path)).status).toBe(200);
});

test.each([
  ["PUT", "limits/k"],
  ["DELETE", "limits/k"],
  ["POST", "counters/k/reset"],
  ["DELETE", "nodes/a"],
  ["POST", "drain"],
])("%s %s changes nothing without the token", async (method, path) => {
  await node.check({ key: "k" });
  const body = method === "PUT" ? { limit: 1, windowMs: 1_000 } : undefined;
  expect(await call(`${node.url}/v1/manage/${path}`, { method, body })).toMatchObject({ status: 401 });
  expect(await server.client.zcard("ratelimit:k")).toBe(1);
  expect(await server.client.hexists("ratelimiter:limits", "k")).toBe(0);
  expect(await server.client.sismember("ratelimiter:members", "a")).toBe(1);
});

test("a limit is stored, listed, applied here at once, replaced and removed, and each counts the version up", async () => {
  const first = await node.manage("PUT", "limits/user", { limit: 2, windowMs: 1_000 });
  const version = Number(first.body["version"]);
  expect(first.body).toEqual({ key: "user", limit: 2, windowMs: 1_000, version });
  expect((await node.check({ key: "user" })).body["limit"]).toBe(2);
  expect((await node.manage("PUT", "limits/user", { limit: 3, windowMs: 1_000 })).body["version"]).toBe(version + 1);
  expect((await node.manage("GET", "limits")).body).toEqual({
    version: version + 1,
    default: { limit: 100, windowMs: 60_000 },
    limits: [{ key: "user", limit: 3, windowMs: 1_000 }],
    unreadable: [],
  });
  expect(await node.metric("ratelimiter_limits_version")).toBe(version + 1);
  expect((await node.manage("DELETE", "limits/user")).body).toEqual({ key: "user", version: version + 2 });
  expect((await node.check({ key: "user" })).body["limit"]).toBe(100);
  expect(await node.manage("DELETE", "limits/user")).toMatchObject({ status: 404, body: { code: "limit_unknown" } });
});

test.each([
  ["above the cap", { limit: 10_001, windowMs: 1_000 }],
  ["of nothing", { limit: 0, windowMs: 1_000 }],
  ["with a window of a moment", { limit: 1, windowMs: 99 }],
  ["with a negative window", { limit: 1, windowMs: -5 }],
  ["with a window of more than a day", { limit: 1, windowMs: 86_400_001 }],
  ["without a window", { limit: 1 }],
  ["with a policy nobody knows", { limit: 1, windowMs: 1_000, failurePolicy: "maybe" }],
  ["with something more", { limit: 1, windowMs: 1_000, burst: 5 }],
])("a limit %s is refused", async (_, limit) => {
  expect(await node.manage("PUT", "limits/bad", limit)).toMatchObject({ status: 400, body: { code: "limit_invalid" } });
  expect(await server.client.hexists("ratelimiter:limits", "bad")).toBe(0);
});

test("no more limits are stored than may be, but those there are can be changed", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, at) => [`many-${at}`, '{"limit":1,"windowMs":1000}']),
  );
  await server.client.hset("ratelimiter:limits", many);
  expect(await node.manage("PUT", "limits/one-more", { limit: 1, windowMs: 1_000 })).toMatchObject({
    status: 409,
    body: { code: "limits_full" },
  });
  expect((await node.manage("PUT", "limits/many-5", { limit: 2, windowMs: 1_000 })).status).toBe(200);
  await server.client.hdel("ratelimiter:limits", ...Object.keys(many));
});

test("a stored limit that can't be read is told, and its key has the default", async () => {
  await server.client.hset("ratelimiter:limits", {
    scribbled: "10 per second",
    ghost: '{"limit":99999,"windowMs":1000}',
  });
  await node.manage("PUT", "limits/other", { limit: 1, windowMs: 1_000 });
  const { body } = await node.manage("GET", "limits");
  expect(body["unreadable"]).toHaveLength(2);
  expect(body["unreadable"]).toEqual(expect.arrayContaining(["ghost", "scribbled"]));
  expect((await node.check({ key: "scribbled" })).body["limit"]).toBe(100);
  await server.client.hdel("ratelimiter:limits", "scribbled", "ghost", "other");
});

test("a changed limit isn't answered by a denial under the old one", async () => {
  await node.manage("PUT", "limits/hot", { limit: 1, windowMs: 60_000 });
  const fromMemory = () => node.metric("ratelimiter_denied_from_memory_total");
  const before = await fromMemory();
  await until(
    "a denial came from memory",
    async () => (await node.check({ key: "hot" })).status === 429 && (await fromMemory()) !== before,
  );
  const remembered = await fromMemory();
  await node.manage("PUT", "limits/hot", { limit: 1, windowMs: 59_000 });
  await node.check({ key: "hot" });
  expect(await fromMemory()).toBe(remembered);
});

test("no name of a key is special", async () => {
  for (const key of ["__proto__", "constructor"]) {
    await node.manage("PUT", `limits/${key}`, { limit: 4, windowMs: 1_000 });
    expect((await node.check({ key })).body["limit"]).toBe(4);
    expect((await node.manage("DELETE", `limits/${key}`)).status).toBe(200);
  }
});

test("a counter is shown and reset", async () => {
  await node.check({ key: "user", cost: 7 });
  expect((await node.manage("GET", "counters/user")).body).toEqual({
    key: "user",
    count: 7,
    limit: 100,
    windowMs: 60_000,
    remaining: 93,
    ttlMs: expect.any(Number),
  });
  expect((await node.manage("POST", "counters/user/reset")).body).toEqual({ key: "user", removed: 7 });
  expect((await node.manage("GET", "counters/user")).body).toMatchObject({ count: 0, remaining: 100 });
});

test("a counter's hits that have left its window aren't shown, though nobody asked since", async () => {
  await server.client.zadd("ratelimit:stale", 1, "1:n-0", 2, "1:n-1");
  await server.client.pexpire("ratelimit:stale", 60_000);
  expect((await node.manage("GET", "counters/stale")).body).toMatchObject({ count: 0, remaining: 100 });
});

test.each(["a/b c", "ü€😀", "50%", "?x=1#y", "limits/k", "..", "[a*]"])("the key %s survives the path", async (key) => {
  await node.check({ key });
  const encoded = encodeURIComponent(key).replaceAll(".", "%2E");
  const { body } = await call(`${node.url}/v1/manage/counters?prefix=${encodeURIComponent(key)}`, {
    token: "a-token-for-the-tests",
  });
  expect(body["counters"]).toEqual([expect.objectContaining({ key, count: 1 })]);
  // A URL parser folds a path of dots away, however it's encoded; such a key is reached by its prefix only.
  if (key === "..") return;
  expect((await node.manage("GET", `counters/${encoded}`)).body).toMatchObject({ key, count: 1 });
});

test("the longest key survives the path too, a longer one and a broken one are refused", async () => {
  const key = "€".repeat(256);
  await node.check({ key });
  expect((await node.manage("GET", `counters/${encodeURIComponent(key)}`)).body).toMatchObject({ key, count: 1 });
  expect(await node.manage("GET", `counters/${"k".repeat(257)}`)).toMatchObject({
    status: 400,
    body: { code: "key_invalid" },
  });
  expect(await node.manage("GET", "counters/%zz")).toMatchObject({ status: 400, body: { code: "key_invalid" } });
});

test("counters come in bounded pages, by prefix, and nothing else of Redis is shown", async () => {
  const pipeline = server.client.pipeline();
  for (let at = 0; at < 1_000; at++)
    pipeline.zadd(`ratelimit:page-${at}`, Date.now() * 1_000, "1:n-0").pexpire(`ratelimit:page-${at}`, 60_000);
  await pipeline.exec();
  await node.check({ key: "elsewhere" });
  const seen: string[] = [];
  let cursor: string | null = "0";
  let pages = 0;
  for (; cursor !== null; pages++) {
    const { body } = await node.manage("GET", `counters?prefix=page-&cursor=${cursor}`);
    const page: z.infer<typeof Page> = Page.parse(body);
    expect(page.counters.length).toBeLessThan(600);
    seen.push(...page.counters.map((counter) => counter.key));
    cursor = page.cursor;
  }
  expect(pages).toBeGreaterThan(1);
  expect(new Set(seen).size).toBe(1_000);
  expect(seen).not.toContain("elsewhere");
});

const Page = z.object({ counters: z.array(z.object({ key: z.string() })), cursor: z.string().nullable() });

test("a page that can't be is refused", async () => {
  expect(await node.manage("GET", "counters?cursor=next")).toMatchObject({
    status: 400,
    body: { code: "query_invalid" },
  });
});

test("what changed is in the log as JSON lines, each with its time", async () => {
  await node.manage("PUT", "limits/logged", { limit: 2, windowMs: 1_000 });
  await node.manage("DELETE", "limits/logged");
  await node.manage("POST", "counters/logged/reset");
  const Line = z.looseObject({ time: z.int(), msg: z.string() });
  // Lines come by a pipe, a moment later and the last one perhaps in parts.
  await vi.waitFor(() => {
    const lines = node
      .log()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Line.parse(JSON.parse(line)));
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ msg: "listening" }),
        expect.objectContaining({ msg: "Redis answers: decisions are exact" }),
        expect.objectContaining({ msg: "limit stored", key: "logged", limit: 2, windowMs: 1_000 }),
        expect.objectContaining({ msg: "limit removed", key: "logged" }),
        expect.objectContaining({ msg: "counter reset", key: "logged" }),
      ]),
    );
  });
});

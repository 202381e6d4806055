import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { call, type NodeFixture, startNodeProcess } from "./node.fixture.ts";
import { type RedisFixture, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// What nodes say of their admissions, against what Redis has logged of them.

const second = 1_000_000;

let server: RedisFixture;
let nodes: NodeFixture[];
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.client.flushall();
  const start = (id: string) =>
    startNodeProcess(id, server.url, { RATELIMITER_DEFAULT_LIMIT: "20", RATELIMITER_COMMAND_TIMEOUT_MS: "100" });
  nodes = await Promise.all(["a", "b"].map(start));
  for (const node of nodes) {
    await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
  }
});
afterEach(async () => {
  server.resume();
  for (const node of nodes) await node[Symbol.asyncDispose]();
});

const Told = z.object({
  nodeId: z.string(),
  keys: z.array(
    z.object({
      key: z.string(),
      limit: z.int(),
      windowMs: z.int(),
      fromUs: z.int(),
      admitted: z.array(z.int()),
      unanswered: z.int(),
    }),
  ),
});

async function nowUs(): Promise<number> {
  const [seconds, microseconds] = await server.client.time();
  return Number(seconds) * second + Number(microseconds);
}

/** The sum of what all nodes say of `k`. */
async function told(sinceUs: number) {
  const now = await nowUs();
  const all = await Promise.all(
    nodes.map(async ({ url }) => {
      const body = { nowUs: now, untilUs: now, keys: [{ key: "k", sinceUs: [sinceUs] }] };
      return Told.parse((await call(`${url}/v1/account`, { method: "POST", body })).body).keys[0];
    }),
  );
  return {
    admitted: all.reduce((sum, one) => sum + (one?.admitted[0] ?? 0), 0),
    unanswered: all.reduce((sum, one) => sum + (one?.unanswered ?? 0), 0),
    limits: all.map((one) => [one?.limit, one?.windowMs]),
  };
}

test("what nodes say they admitted is what Redis has logged, to the hit", async () => {
  const asked = Array.from({ length: 40 }, async (_, at) => await nodes[at % 2]?.check({ key: "k", cost: 1 + (at % 3 === 0 ? 1 : 0) }));
  await Promise.all(asked);
  const { admitted, unanswered, limits } = await told(0);
  expect(admitted).toBe(await server.client.zcard("ratelimit:k"));
  expect(admitted).toBeGreaterThanOrEqual(19);
  expect(unanswered).toBe(0);
  expect(limits).toEqual([[20, 60_000], [20, 60_000]]);
}); // prettier-ignore

test("what Redis was asked without an answer may be in its log, and is told apart", async () => {
  await nodes[0]?.check({ key: "k" });
  server.pause();
  const degraded = await nodes[0]?.check({ key: "k", cost: 2 });
  expect(degraded?.body["count"]).toBeNull();
  server.resume();
  await until("Redis has carried it out", async () => (await server.client.zcard("ratelimit:k")) === 3);
  expect(await told(0)).toMatchObject({ admitted: 1, unanswered: 2 });
});

test("a reset says when it was, so that hits before it aren't missed", async () => {
  await nodes[0]?.check({ key: "k" });
  const before = await nowUs();
  expect((await nodes[1]?.manage("POST", "counters/k/reset"))?.body).toEqual({ key: "k", removed: 1 });
  const at = Number(await server.client.get("ratelimiter:reset:k"));
  expect(at).toBeGreaterThanOrEqual(before);
  expect((await told(at)).admitted).toBe(0);
  expect(await server.client.pttl("ratelimiter:reset:k")).toBeGreaterThan(86_000_000);
});

test.each([{}, { nowUs: 1, untilUs: 1, keys: [{ key: "", sinceUs: [] }] }, { nowUs: -1, untilUs: 1, keys: [] }])(
  "what isn't asked for like this is refused: %j",
  async (body) => {
    const answer = await call(`${nodes[0]?.url}/v1/account`, { method: "POST", body });
    expect(answer).toMatchObject({ status: 400, body: { code: "body_invalid" } });
  },
);

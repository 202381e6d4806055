import { setInterval } from "node:timers/promises";
import { allFresh, type Judgement } from "@operator/subject/invariant";
import type { Observation, Reading } from "@operator/subject/observation";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { counterDrift, overAdmission } from "./invariants-counters.ts";
import { limitDiffers } from "./invariant-limit-differs.ts";
import { observe } from "./observe.ts";
import { type NodeFixture, startNodeProcess } from "./service/src/node.fixture.ts";
import { type RedisFixture, startRedis } from "./service/src/redis.fixture.ts";
import { until } from "./service/src/until.fixture.ts";
import { CountersReading } from "./state.ts";

// What nodes admitted against what Redis has logged, read from real ones.

/** Longer than a read looks back beside the window. */
const windowMs = 10_000;
const limit = 10;
let redis: RedisFixture;
let nodes: NodeFixture[] = [];
let observation: Observation | undefined;
let stopAsking = () => Promise.resolve();

beforeEach(async () => {
  redis = await startRedis();
  nodes = await Promise.all(["node-a", "node-b"].map((id) => startNode(id)));
  for (const node of nodes) {
    await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
  }
  // What was admitted in Redis' first two seconds can't be compared: its start is known to the second.
  await until("Redis has run for a while", async () => {
    const info = await redis.client.info("server");
    return Number(/uptime_in_seconds:(\d+)/.exec(info)?.[1]) >= 3;
  });
  observation = await observe({
    RATELIMITER_REDIS_URL: redis.url,
    RATELIMITER_NODES: nodes.map(({ url }, at) => `node-${"ab"[at]}=${url}`).join(","),
    RATELIMITER_LIMITS: `k=${limit}/${windowMs}`,
  });
  await until("the register is read", () =>
    read("registry").then(
      () => true,
      () => false,
    ),
  );
});

afterEach(async () => {
  await stopAsking();
  await observation?.close();
  for (const node of nodes) await node[Symbol.asyncDispose]();
  nodes = [];
  await redis[Symbol.asyncDispose]();
});

function startNode(id: string, port = "0", redisUrl = redis.url): Promise<NodeFixture> {
  return startNodeProcess(id, redisUrl, {
    RATELIMITER_DEFAULT_LIMIT: String(limit),
    RATELIMITER_DEFAULT_WINDOW_MS: String(windowMs),
    RATELIMITER_COMMAND_TIMEOUT_MS: "300",
    RATELIMITER_LIMITS_REFRESH_MS: "100",
    RATELIMITER_PORT: port,
    RATELIMITER_DRAIN_MS: "0",
  });
}

async function read(name: string): Promise<Record<string, Reading>> {
  const source = observation?.sources.find((source) => source.name === name);
  if (!source) throw new Error(`no source ${name}`);
  return await source.read(AbortSignal.timeout(source.timeoutMs));
}

/** A Redis that answers too late, as on a busy machine, is asked again. */
async function look(target?: string): ReturnType<typeof lookOnce> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await lookOnce(target);
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

async function lookOnce(target = "key-k") {
  // Who has a place in the register is counted.
  await read("registry").catch(() => undefined);
  const reading = (await read("counters"))[target];
  if (!reading || !("value" in reading)) throw new Error(`${target} wasn't read: ${JSON.stringify(reading)}`);
  const value = CountersReading.parse(reading.value);
  const state = { counters: { [target]: value } };
  const shown = ({ verdict, ...rest }: Judgement) =>
    `${verdict}${"value" in rest && rest.value !== undefined ? ` ${rest.value}` : ""}`;
  return {
    value,
    drift: shown(counterDrift.judge(state, target, 0, allFresh)),
    over: shown(overAdmission.judge(state, target, 0, allFresh)),
  };
}

/** What the verdicts come to, in the end. */
async function comesTo(expected: { drift?: string; over?: string }) {
  let seen: Awaited<ReturnType<typeof lookOnce>> | undefined;
  await until(
    `the verdicts are ${JSON.stringify(expected)}`,
    async () => {
      seen = await lookOnce().catch(() => undefined);
      return Object.entries(expected).every(
        ([name, verdict]) => seen?.[name === "drift" ? "drift" : "over"] === verdict,
      );
    },
    25_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it was ${JSON.stringify(seen)}`);
  });
}

/** Looks until both verdicts are well; until then nothing is a breach, and what can't be compared isn't said to be well. */
async function comesToBeWell(): Promise<void> {
  await until(
    "both verdicts are well",
    async () => {
      const looked = await lookOnce().catch(() => undefined);
      if (!looked) return false;
      const { value, drift, over } = looked;
      const verdicts = [drift, over].map((shown) => shown.split(" ")[0]);
      expect(verdicts, JSON.stringify(value)).not.toContain("violated");
      if (value.uncompared > 0 || value.silent.length > 0) expect(drift, JSON.stringify(value)).toBe("unknown");
      return verdicts.every((verdict) => verdict === "ok");
    },
    30_000,
  );
}

async function nowUs(): Promise<number> {
  const [seconds, microseconds] = z.tuple([z.coerce.number(), z.coerce.number()]).parse(await redis.client.time());
  return seconds * 1_000_000 + microseconds;
}

async function ask(times: number): Promise<void> {
  const asked = Array.from({ length: times }, async (_, at) => await nodes[at % nodes.length]?.check({ key: "k" }));
  await Promise.all(asked);
}

/** Asks for `k` on a rhythm, until it's over. */
function keepAsking(): void {
  const stop = new AbortController();
  const asking = (async () => {
    for await (const _ of setInterval(50, undefined, { signal: stop.signal })) await ask(2).catch(() => undefined);
  })().catch(() => undefined);
  stopAsking = () => {
    stop.abort();
    return asking;
  };
}

test("a key that nobody asks for is well at once", async () => {
  expect(await look()).toMatchObject({ drift: "ok 0", over: "ok 0", value: { uncompared: 0, silent: [] } });
});

test("under load to the limit and beyond, never anything but ok, and something is compared", async () => {
  keepAsking();
  let most = 0;
  for (const endMs = performance.now() + 6_000; performance.now() < endMs;) {
    const { drift, over, value } = await look();
    expect([drift, over.split(" ")[0]], JSON.stringify(value)).toEqual(["ok 0", "ok"]);
    most = Math.max(most, value.inRedis);
  }
  expect(most).toBeGreaterThan(limit / 2);
});

test("forged hits are a drift, and none once the counter was reset", async () => {
  await ask(3);
  const now = await nowUs();
  for (let at = 0; at < limit; at++) await redis.client.zadd("ratelimit:k", now, `forged:${at}`);
  await comesTo({ drift: `violated ${limit}`, over: "ok 3" });
  await comesTo({ drift: "ok 0", over: "ok 0" });
  // Those of a time to come stay, and deny for as long.
  const ahead = now + 60_000_000;
  for (let at = 0; at < limit; at++) await redis.client.zadd("ratelimit:k", ahead, `forged:${at}`);
  await redis.client.pexpire("ratelimit:k", 120_000);
  await comesTo({ drift: `violated ${limit}` });
  expect((await nodes[0]?.check({ key: "k" }))?.status).toBe(429);
  await nodes[0]?.manage("POST", "counters/k/reset");
  await comesTo({ drift: "ok 0", over: "ok 0" });
});

test("after a reset neither the hits that are gone nor the second limit that it gives is a breach", async () => {
  await ask(limit);
  await comesTo({ over: `ok ${limit}`, drift: "ok 0" });
  await nodes[0]?.manage("POST", "counters/k/reset");
  await ask(limit);
  const seen = new Set<string>();
  await until("what came after it is counted", async () => {
    const { drift, over, value } = await look();
    for (const verdict of [drift, over]) seen.add(verdict.split(" ")[0] ?? "");
    return value.promised?.admitted === limit && value.inRedis === limit && value.toMs > value.fromMs;
  });
  expect([...seen]).toEqual(["ok"]);
});

test("hits that Redis lost are a drift below 0, and the second limit that they gave is one too many", async () => {
  await ask(limit);
  await redis.client.del("ratelimit:k");
  await ask(limit);
  await comesTo({ drift: `violated ${-limit}`, over: `violated ${2 * limit}` });
});

test("what a node admits that counts in another Redis is no breach of this one's limit, and a drift", async () => {
  await using other = await startRedis();
  await using ghost = await startNode("node-c", "0", other.url);
  await until("it has its Redis", async () => (await ghost.get("/healthz")).status === 200);
  await observation?.close();
  const all = [...nodes, ghost].map(({ url }, at) => `node-${"abc"[at]}=${url}`).join(",");
  const limits = `k=${limit}/${windowMs}`;
  observation = await observe({
    RATELIMITER_REDIS_URL: redis.url,
    RATELIMITER_NODES: all,
    RATELIMITER_LIMITS: limits,
  });
  await ask(limit);
  for (let n = 0; n < limit; n++) await ghost.check({ key: "k" });
  await comesTo({ over: `ok ${limit}`, drift: `violated ${-limit}` });
});

test("a limit that was raised against what is declared admits too much", async () => {
  await nodes[0]?.manage("PUT", "limits/k", { limit: 10 * limit, windowMs });
  await until("both nodes apply it", async () => {
    await read("limits");
    const { applied } = (await look()).value;
    return applied.length === 1 && applied[0]?.limit === 10 * limit;
  });
  await ask(2 * limit);
  await comesTo({ over: `violated ${2 * limit}`, drift: "ok 0" });
  const { value } = await look();
  expect(limitDiffers.judge({ counters: { "key-k": value } }, "key-k", 0, allFresh).verdict).toBe("violated");
  expect(value).toMatchObject({
    stored: { limit: 10 * limit, windowMs },
    declared: { limit, windowMs },
    promised: { by: "declared", limit },
  });
});

test("a stored limit is held to only when it has been stored for a whole window", async () => {
  await nodes[0]?.manage("PUT", "limits/s", { limit: 5, windowMs });
  await read("limits");
  const stored = async () => CountersReading.parse(Object(await read("counters"))["key-s"].value).promised;
  expect(await stored()).toMatchObject({ by: "stored", limit: 5, isHeld: false });
  await until("it's held", async () => (await stored())?.isHeld === true, 20_000);
});

test("a key whose limit is deleted has left", async () => {
  await nodes[0]?.manage("PUT", "limits/s", { limit: 5, windowMs });
  await read("limits");
  expect(Object.keys(await read("counters"))).toEqual(["key-k", "key-s"]);
  await nodes[0]?.manage("DELETE", "limits/s");
  expect(await read("limits")).toMatchObject({ cluster: { value: { stored: 0, watched: ["k"] } } });
  expect((await read("counters"))["key-s"]).toEqual({ left: true });
});

test("across a node's restart it's unknown until a window has passed", async () => {
  // No restart takes as long as this one's window.
  await nodes[0]?.manage("PUT", "limits/s", { limit, windowMs: 60 * windowMs });
  await read("limits");
  const bothApplyIt = async () => {
    const { applied, silent } = (await look("key-s")).value;
    return silent.length === 0 && applied.every((each) => each.windowMs === 60 * windowMs);
  };
  await until("both nodes apply it", bothApplyIt);
  await nodes[1]?.check({ key: "s" });
  keepAsking();
  await comesTo({ drift: "ok 0" });
  await until("something is compared", async () => (await look()).value.inRedis >= limit / 2, 20_000);
  const url = new URL(nodes[1]?.url ?? "");
  nodes[1]?.signal("SIGKILL");
  await nodes[1]?.exited;
  expect(await look()).toMatchObject({ drift: "unknown", over: "unknown", value: { silent: ["node-b"] } });
  nodes[1] = await startNode("node-b", url.port);
  await until("it's heard again", bothApplyIt);
  expect(await look("key-s")).toMatchObject({ drift: "unknown", value: { uncompared: 1 } });
  await comesToBeWell();
});

test("across a restart of Redis it's unknown, though its hits are lost and a second limit is admitted", async () => {
  await ask(limit);
  await comesTo({ over: `ok ${limit}`, drift: "ok 0" });
  await redis.restart();
  await until("a node has it again", async () => (await nodes[0]?.get("/healthz"))?.status === 200);
  keepAsking();
  await comesToBeWell();
});

test("what a paused Redis carries out late is no drift", async () => {
  await ask(2);
  redis.pause();
  await ask(8);
  redis.resume();
  await until("Redis has them all", async () => (await redis.client.zcard("ratelimit:k")) > 2);
  for (const endMs = performance.now() + windowMs; performance.now() < endMs;) {
    const looked = await lookOnce().catch(() => undefined);
    expect(looked?.drift.split(" ")[0] ?? "ok", JSON.stringify(looked?.value)).not.toBe("violated");
  }
});

test("a node that is silent makes it unknown, not well", async () => {
  await ask(4);
  nodes[1]?.signal("SIGSTOP");
  const { drift, over, value } = await look();
  nodes[1]?.signal("SIGCONT");
  expect([drift, over, value.silent]).toEqual(["unknown", "unknown", ["node-b"]]);
});

import type { Json } from "@operator/contracts/json";
import type { Action, ActionHands } from "@operator/subject/action";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actions } from "./actions.ts";
import { managementToken, type NodeFixture, startNodeProcess } from "./service/src/node.fixture.ts";
import { type RedisFixture, startRedis } from "./service/src/redis.fixture.ts";
import { until } from "./service/src/until.fixture.ts";
import type { CountersReading, State } from "./state.ts";

const ids = ["node-a", "node-b", "node-c"] as const;
let redis: RedisFixture;
let nodes: NodeFixture[];
let hands: ActionHands;
let started: string[] = [];

beforeAll(async () => {
  redis = await startRedis();
  nodes = await Promise.all(ids.map((id) => startNodeProcess(id, redis.url, { RATELIMITER_DRAIN_MS: "50" })));
  for (const node of nodes) {
    await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
  }
  hands = {
    environment: {
      RATELIMITER_REDIS_URL: redis.url,
      RATELIMITER_NODES: ids.map((id, at) => `${id}=${nodes[at]?.url}`).join(","),
      RATELIMITER_MANAGEMENT_TOKEN: managementToken,
    },
    start: (target) => Promise.resolve(void started.push(target)),
  };
});

afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** Three nodes that decide, a key that agrees; then what is told. */
function stateWith(change: (state: Required<State>) => void = () => {}): State {
  const limit = { limit: 20, windowMs: 10_000 };
  const counters: CountersReading = {
    key: "k",
    applied: [{ ...limit, nodes: [...ids] }],
    declared: limit,
    fromMs: 0,
    toMs: 10_000,
    inRedis: 5,
    admitted: 5,
    ahead: 0,
    unsettled: 0,
    uncompared: 0,
    silent: [],
  };
  const state = {
    probe: Object.fromEntries(
      [...ids, "redis"].map((id) => [id, { state: "up" as const, sinceMs: 0, address: `${id}:1` }]),
    ),
    metrics: Object.fromEntries(ids.map((id) => [id, { redisConnected: true }])),
    registry: {
      cluster: {
        redisTimeMs: 0,
        members: [...ids],
        nodes: Object.fromEntries(ids.map((id) => [id, { present: true, status: "up" }])),
        departed: {},
      },
    },
    redis: {},
    limits: { cluster: { version: 0, stored: 0, watched: ["k"] } },
    counters: { "key-k": counters },
  };
  change(state);
  return state;
}

const down = (target: string) => (state: Required<State>) =>
  void (state.probe[target] = { state: "refused", sinceMs: 5, address: `${target}:1` });
const counted = (changes: Partial<CountersReading>) => (state: Required<State>) => {
  const reading = state.counters["key-k"];
  if (reading) state.counters["key-k"] = { ...reading, ...changes };
};

/** As the actuator holds it: the schema first. */
function ask(name: string, state: State, target: string, parameters: unknown) {
  const action: Action<State> | undefined = actions.find((one) => one.name === name);
  if (!action) throw new Error(`no action ${name}`);
  // The schema has parsed it, as the actuator has it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { action, given: { state, target, parameters: action.parameters.parse(parameters) as never } };
}

const limitOf = (limit: number, windowMs = 10_000) => ({ key: "k", limit, windowMs });
const drifted = counted({ inRedis: 30 });

test.each<[string, string, State, string, unknown, string | undefined]>([
  ["a crashed node is started", "restart_node", stateWith(down("node-a")), "node-a", {}, undefined],
  ["a node that answers isn't started", "restart_node", stateWith(), "node-a", {}, "NODE_ANSWERS"],
  ["a node that nobody listed isn't started", "restart_node", stateWith(), "node-z", {}, "NODE_NOT_LISTED"],
  ["a node that left isn't started", "restart_node", stateWith((state) => {
    down("node-a")(state);
    state.registry["cluster"]!.members = ["node-b"];
  }), "node-a", {}, "NODE_NOT_LISTED"],
  ["a forged counter is reset", "reset_counter", stateWith(drifted), "key-k", { key: "k" }, undefined],
  ["a counter that agrees isn't reset", "reset_counter", stateWith(), "key-k", { key: "k" }, "COUNTER_HOLDS"],
  ["a counter that lacks hits isn't reset", "reset_counter", stateWith(counted({ admitted: 30 })), "key-k", { key: "k" }, "COUNTER_HOLDS"],
  ["a counter that a silent node may have filled isn't reset", "reset_counter", stateWith(counted({ inRedis: 30, silent: ["node-c"] })), "key-k", { key: "k" }, "COUNTER_HOLDS"],
  ["hits that may have gone unanswered aren't reset", "reset_counter", stateWith(counted({ inRedis: 30, unsettled: 25 })), "key-k", { key: "k" }, "COUNTER_HOLDS"],
  ["the counter of another key isn't reset", "reset_counter", stateWith(drifted), "key-k", { key: "other" }, "KEY_UNWATCHED"],
  ["a key that nobody watches isn't reset", "reset_counter", stateWith(drifted), "key-z", { key: "z" }, "KEY_UNWATCHED"],
  ["nothing is reset where no node decides", "reset_counter", stateWith((state) => {
    drifted(state);
    for (const id of ids) state.metrics[id] = { redisConnected: false };
  }), "key-k", { key: "k" }, "NO_NODE_DECIDES"],
  ["the declared limit is given back from anywhere", "update_limit", stateWith(counted({ applied: [{ limit: 2_000, windowMs: 10_000, nodes: [] }] })), "key-k", limitOf(20), undefined],
  ["twice as much may be stored", "update_limit", stateWith(), "key-k", limitOf(40), undefined],
  ["more than twice as much may not", "update_limit", stateWith(), "key-k", limitOf(41), "LIMIT_TOO_FAR"],
  ["less than half may not", "update_limit", stateWith(), "key-k", limitOf(9), "LIMIT_TOO_FAR"],
  ["a window counts too", "update_limit", stateWith(), "key-k", limitOf(20, 1_000), "LIMIT_TOO_FAR"],
  ["a limit in force isn't stored", "update_limit", stateWith(), "key-k", limitOf(20), "LIMIT_IN_FORCE"],
  ["a limit that nobody is seen to apply isn't judged", "update_limit", stateWith(counted({ applied: [] })), "key-k", limitOf(30), "LIMIT_TOO_FAR"],
  ["the limit of an unwatched key isn't stored", "update_limit", stateWith(), "key-z", { ...limitOf(20), key: "z" }, "KEY_UNWATCHED"],
  ["one of three may be drained", "drain_node", stateWith(), "node-a", {}, undefined],
  ["with one more without Redis none may", "drain_node", stateWith((state) => void (state.metrics["node-b"] = { redisConnected: false })), "node-a", {}, "TOO_FEW_NODES"],
  ["with one more draining none may", "drain_node", stateWith((state) => void (state.registry["cluster"]!.nodes["node-b"] = { present: true, status: "draining" })), "node-a", {}, "TOO_FEW_NODES"],
  ["with one more down none may", "drain_node", stateWith(down("node-b")), "node-a", {}, "TOO_FEW_NODES"],
  ["a node that doesn't answer can't be drained", "drain_node", stateWith(down("node-a")), "node-a", {}, "NODE_SILENT"],
])("%s", (_, name, state, target, parameters, code) => {
  const { action, given } = ask(name, state, target, parameters);
  expect(action.guard(given)?.code).toBe(code);
  expect(action.targets(stateWith())).toContain(action.name.endsWith("node") ? "node-a" : "key-k");
}); // prettier-ignore

test.each([
  ["a limit of none", "update_limit", limitOf(0)],
  ["a limit above the limiter's own cap", "update_limit", limitOf(10_001)],
  ["a window that nobody can wait out", "update_limit", limitOf(20, 600_001)],
  ["a key of no characters", "reset_counter", { key: "" }],
  ["what isn't asked for", "restart_node", { force: true }],
])("%s is no parameter", (_, name, parameters) => {
  expect(() => ask(name, stateWith(), "key-k", parameters)).toThrow();
});

/** With an error what the undo needs can't be written down. */
async function carryOut(name: string, target: string, parameters: unknown, unkept?: Error) {
  const { action, given } = ask(name, stateWith(), target, parameters);
  let before: Json | undefined;
  const keep = (value: Json) => {
    before = value;
    return unkept ? Promise.reject(unkept) : Promise.resolve();
  };
  const done = await action.execute({ ...given, keep }, hands, AbortSignal.timeout(action.executeWithinMs));
  return { ...done, undo: () => action.undo?.({ ...given, before }, hands, AbortSignal.timeout(5_000)) };
}

test("restart_node has the supervisor start it", async () => {
  started = [];
  await carryOut("restart_node", "node-b", {});
  expect(started).toEqual(["node-b"]);
});

test("reset_counter forgets the hits of its key and no other, whatever its name is", async () => {
  for (const key of ["a/b %", "other"]) await nodes[0]?.check({ key });
  const { effect } = await carryOut("reset_counter", "key-a/b %", { key: "a/b %" });
  expect(effect).toContain("1 hits");
  expect(await redis.client.zcard("ratelimit:a/b %")).toBe(0);
  expect(await redis.client.zcard("ratelimit:other")).toBe(1);
});

test("update_limit stores it, keeps the failure policy, and gives back what was stored before", async () => {
  const stored = async () => (await nodes[0]?.manage("GET", "limits"))?.body["limits"];
  const first = await carryOut("update_limit", "key-k", limitOf(30));
  expect(await stored()).toEqual([limitOf(30)]);
  await first.undo();
  expect(await stored()).toEqual([]);
  expect(await first.undo(), "an undo may come twice").toContain("no limit is stored");

  await nodes[0]?.manage("PUT", "limits/k", { limit: 20, windowMs: 10_000, failurePolicy: "closed" });
  const second = await carryOut("update_limit", "key-k", limitOf(30));
  expect(await stored()).toEqual([{ ...limitOf(30), failurePolicy: "closed" }]);
  await second.undo();
  expect(await stored()).toEqual([{ ...limitOf(20), failurePolicy: "closed" }]);
});

test("update_limit stores nothing while what was stored before can't be written down", async () => {
  const stored = async () => (await nodes[0]?.manage("GET", "limits"))?.body["limits"];
  const before = await stored();
  const unkept = new Error("no bus");
  await expect(carryOut("update_limit", "key-other", { ...limitOf(30), key: "other" }, unkept)).rejects.toBe(unkept);
  expect(await stored()).toEqual(before);
});

test("a node that can't be reached is passed over, and without a token or a node nothing is done", async () => {
  const { environment } = hands;
  const first = `node-0=http://127.0.0.1:1,${environment["RATELIMITER_NODES"]}`;
  hands = { ...hands, environment: { ...environment, RATELIMITER_NODES: first } };
  expect((await carryOut("reset_counter", "key-k", { key: "k" })).effect).toContain("0 hits");
  hands = { ...hands, environment: { ...environment, RATELIMITER_MANAGEMENT_TOKEN: undefined } };
  await expect(carryOut("reset_counter", "key-k", { key: "k" })).rejects.toMatchObject({ code: "TOKEN_MISSING" });
  hands = { ...hands, environment: { ...environment, RATELIMITER_NODES: "node-0=http://127.0.0.1:1" } };
  await expect(carryOut("reset_counter", "key-k", { key: "k" })).rejects.toMatchObject({
    code: "MANAGEMENT_UNREACHABLE",
  });
  const wrong = { ...environment, RATELIMITER_MANAGEMENT_TOKEN: "not-the-token-of-them" };
  hands = { ...hands, environment: wrong };
  await expect(carryOut("reset_counter", "key-k", { key: "k" })).rejects.toThrow(/MANAGEMENT|token_wrong/);
  hands = { ...hands, environment };
});

test("drain_node has it leave in order, and its undo starts it again", async () => {
  started = [];
  const { undo } = await carryOut("drain_node", "node-c", {});
  await nodes[2]?.exited;
  expect(await redis.client.smembers("ratelimiter:members")).not.toContain("node-c");
  expect(await redis.client.hexists("ratelimiter:departed", "node-c")).toBe(1);
  await undo();
  expect(started).toEqual(["node-c"]);
});

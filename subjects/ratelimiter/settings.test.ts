import { describe, expect, test } from "vitest";
import { readSettings, settings, settingsHelp } from "./settings.ts";

const redis = { RATELIMITER_REDIS_URL: "redis://127.0.0.1:6379" };

test("nodes are read with their addresses, without a path", () => {
  const { RATELIMITER_NODES: nodes } = readSettings({
    ...redis,
    RATELIMITER_NODES: "node-a=http://127.0.0.1:4001/, node-b=https://b.example",
    PATH: "/bin",
  });
  expect([...nodes]).toEqual([
    ["node-a", "http://127.0.0.1:4001"],
    ["node-b", "https://b.example"],
  ]);
});

test("without nodes they are found in the registry", () => {
  expect(readSettings({ ...redis, RATELIMITER_NODES: "" }).RATELIMITER_NODES.size).toBe(0);
});

describe("refused, with the value and what is expected", () => {
  test.each([
    [{ RATELIMITER_NODES: "" }, /RATELIMITER_REDIS_URL/],
    [{ RATELIMITER_REDIS_URL: "127.0.0.1:6379" }, /an address like redis:\/\/127.0.0.1:6379/],
    [{ ...redis, RATELIMITER_NODES: "node-a" }, /"node-a" is no node: write an address like/],
    [
      { ...redis, RATELIMITER_NODES: "a b=http://127.0.0.1:1" },
      /"a b=http:\/\/127.0.0.1:1" is no node: write an id of/,
    ],
    [{ ...redis, RATELIMITER_NODES: "redis=http://127.0.0.1:1" }, /an id other than redis and cluster/],
    [{ ...redis, RATELIMITER_NODES: "node-a=ftp://127.0.0.1" }, /an address like http/],
  ])("%j", (environment, message) => {
    expect(() => readSettings(environment)).toThrow(message);
  });
});

test("every variable is explained", () => {
  expect(settingsHelp.map(({ name }) => name)).toEqual(Object.keys(settings));
});

test("declared limits are read by key", () => {
  const limits = "load-0=20/10000, a=b,c=5/1000";
  expect(() => readSettings({ ...redis, RATELIMITER_LIMITS: limits })).toThrow(/" a=b" is no limit/);
  const read = readSettings({ ...redis, RATELIMITER_LIMITS: "load-0=20/10000,a=b=5/1000" });
  expect(Object.fromEntries(read.RATELIMITER_LIMITS)).toEqual({
    "load-0": { limit: 20, windowMs: 10_000 },
    "a=b": { limit: 5, windowMs: 1_000 },
  });
});

test.each([
  ["a limit of none", "k=0/1000"],
  ["a key that can't be a target", `${"k".repeat(125)}=1/1000`],
  ["more than are watched", Array.from({ length: 33 }, (_, at) => `k${at}=1/1000`).join(",")],
])("%s isn't declared", (_, limits) => {
  expect(() => readSettings({ ...redis, RATELIMITER_LIMITS: limits })).toThrow(/no limit|are the most/);
});

test("no node is named like a key", () => {
  const nodes = "key-a=http://127.0.0.1:4001";
  expect(() => readSettings({ ...redis, RATELIMITER_NODES: nodes })).toThrow(/doesn't begin with key-/);
});

test("the observer needs no management token, and a short one is refused", () => {
  expect(readSettings(redis).RATELIMITER_MANAGEMENT_TOKEN).toBeUndefined();
  expect(() => readSettings({ ...redis, RATELIMITER_MANAGEMENT_TOKEN: "short" })).toThrow(/16 characters/);
});

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

import { describe, expect, test } from "vitest";
import { KnownNodes } from "./observe-nodes.ts";
import type { RegistryReading } from "./state.ts";

const configured = new Map([["node-a", "http://a:1"]]);

function registry(nodes: Record<string, string | undefined>, departed: Record<string, number> = {}): RegistryReading {
  return {
    redisTimeMs: 1,
    members: Object.keys(nodes),
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, url]) => [id, url === undefined ? { present: false } : { present: true, url }]),
    ),
    departed,
  };
}

function after(...readings: RegistryReading[]) {
  const nodes = new KnownNodes(configured);
  for (const reading of readings) nodes.learn(reading);
  return { watched: Object.fromEntries(nodes.watched()), departed: nodes.departed() };
}

test("nodes that left make room: of any number that come and go, the newest are watched", () => {
  const nodes = new KnownNodes(new Map());
  for (let generation = 0; generation < 3; generation++) {
    const ids = Array.from({ length: 200 }, (_, at) => `node-${generation}-${at}`);
    nodes.learn(registry(Object.fromEntries(ids.map((id) => [id, "http://b:2"]))));
    expect([...nodes.watched().keys()]).toEqual(ids);
    nodes.learn(registry({}, Object.fromEntries(ids.map((id) => [id, 5]))));
    expect(nodes.departed()).toEqual(ids);
  }
  nodes.learn(registry({}));
  expect(nodes.departed()).toEqual([]);
});

describe("watched are", () => {
  test.each([
    ["the configured before any reading", [], { "node-a": "http://a:1" }],
    [
      "what the registry names too",
      [registry({ "node-b": "http://b:2" })],
      { "node-a": "http://a:1", "node-b": "http://b:2" },
    ],
    [
      "one whose entry expired, at the address that it had",
      [registry({ "node-b": "http://b:2" }), registry({ "node-b": undefined })],
      { "node-a": "http://a:1", "node-b": "http://b:2" },
    ],
    [
      "one that an emptied registry forgot",
      [registry({ "node-b": "http://b:2" }), registry({})],
      { "node-a": "http://a:1", "node-b": "http://b:2" },
    ],
    [
      "the configured at the configured address",
      [registry({ "node-a": "http://elsewhere:9" })],
      { "node-a": "http://a:1" },
    ],
    [
      "one that moved, at its new address",
      [registry({ "node-b": "http://b:2" }), registry({ "node-b": "http://b:3" })],
      { "node-a": "http://a:1", "node-b": "http://b:3" },
    ],
    [
      "not one that left",
      [registry({ "node-b": "http://b:2" }), registry({}, { "node-b": 5 })],
      { "node-a": "http://a:1" },
    ],
    ["not a configured one that left", [registry({}, { "node-a": 5 })], {}],
    ["not one that left, after the registry forgot that", [registry({}, { "node-a": 5 }), registry({})], {}],
    [
      "one that left and came back",
      [registry({}, { "node-a": 5 }), registry({ "node-a": "http://a:1" })],
      { "node-a": "http://a:1" },
    ],
    [
      "one that is a member, whatever else is said of it",
      [registry({ "node-a": "http://a:1" }, { "node-a": 5 })],
      { "node-a": "http://a:1" },
    ],
    [
      "no node with the name of another target",
      [registry({ redis: "http://b:2", cluster: "http://b:2" })],
      { "node-a": "http://a:1" },
    ],
    [
      "no node with an address that is none",
      [registry({ "node-b": "file:///etc/passwd", "node-c": "x" })],
      { "node-a": "http://a:1" },
    ],
  ])("%s", (_, readings, watched) => {
    expect(after(...readings).watched).toEqual(watched);
  });
});

test("departed are only nodes that were watched", () => {
  expect(after(registry({ "node-b": "http://b:2" }), registry({}, { "node-b": 5, stranger: 5 })).departed).toEqual([
    "node-b",
  ]);
});

test("a registry full of nodes is followed to a limit", () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`n${at}`, `http://n${at}:1`]));
  expect(Object.keys(after(registry(many)).watched)).toHaveLength(257);
});

import { beforeAll, expect, test } from "vitest";
import { freshMemory } from "./memory.ts";
import { Limiter, nodes, type Probe, subject } from "./ratelimiter.fixture.ts";
import { type Room, roomOf } from "./room.ts";
import { Story, startMs } from "./snapshots.fixture.ts";

let room: Room;

beforeAll(async () => {
  room = await roomOf(subject, 1);
});

/** A rate limiter under a checker. */
class Watched extends Limiter {
  readonly story = new Story(room);
  #sequence = 0;

  constructor() {
    super();
    this.story.memory = freshMemory({ subject, startedAtMs: startMs - 1_000, sequence: 0 });
  }

  after(ms: number): this {
    this.story.take({ kind: "snapshot", snapshot: this.next(ms), sequence: ++this.#sequence });
    return this;
  }

  seconds(count: number): this {
    for (let i = 0; i < count; i++) this.after(1_000);
    return this;
  }

  /** What opens a ticket: firing, and nothing explains it. */
  get roots(): string[] {
    const firing = this.story.violations.filter(
      ({ state, explainedBy }) => state === "firing" && explainedBy.length === 0,
    );
    return [...new Set(firing.map(({ invariant, target }) => `${invariant} ${target}`))];
  }

  said(invariant: string): string[] {
    return this.story.said(invariant);
  }
}

test("healthy for an hour says nothing", () => {
  expect(new Watched().seconds(3_600).story.violations).toEqual([]);
});

test.each<Probe>(["refused", "silent"])("node_down fires at once on %s, holds, goes blind, and clears", (state) => {
  const limiter = new Watched().seconds(5);
  limiter.probe["node-b"] = state;
  limiter.after(20);
  expect(limiter.said("node_down")).toEqual(["firing node-b"]);
  expect(limiter.story.violations[0]).toMatchObject({
    severity: "critical",
    detail: { kind: "unreachable", how: state },
    mayBeExplained: false,
    firstBad: { pointers: ["/parts/probe/node-b/state", "/parts/probe/node-b/sinceMs"] },
    lastGood: { pointers: ["/parts/probe/node-b/state", "/parts/probe/node-b/sinceMs"] },
  });
  limiter.seconds(20).unreadable.add("probe/node-b");
  limiter.seconds(5).unreadable.clear();
  limiter.probe["node-b"] = "up";
  limiter.seconds(3);
  expect(limiter.said("node_down")).toEqual(["firing node-b", "blind node-b"]);
  limiter.seconds(1);
  expect(limiter.said("node_down")).toEqual(["firing node-b", "blind node-b", "cleared node-b"]);
});

test("a killed node is one case, however long it's dead", () => {
  const limiter = new Watched().seconds(5);
  limiter.probe["node-b"] = "refused";
  limiter.unreadable.add("metrics/node-b");
  limiter.seconds(300);
  expect(limiter.roots).toEqual(["node_down node-b"]);
  expect(limiter.said("source_blind")).toEqual(["firing metrics-node-b"]);
});

test("all nodes killed are a case each, and no source is blamed", () => {
  const limiter = new Watched().seconds(5);
  for (const node of nodes) {
    limiter.probe[node] = "refused";
    limiter.unreadable.add(`metrics/${node}`);
  }
  limiter.seconds(300);
  expect(limiter.roots).toEqual(nodes.map((node) => `node_down ${node}`));
});

test.each<[string, Probe]>([
  ["killed", "refused"],
  ["paused", "silent"],
])("a Redis that is %s is one case: what depends on it is explained", (_, state) => {
  const limiter = new Watched().seconds(5);
  // At worst the nodes notice first: redis_down takes up to 2 s.
  limiter.unreadable.add("registry/cluster").add("redis/redis");
  for (const node of nodes) {
    limiter.connected[node] = false;
    limiter.p99Ms[node] = 140;
  }
  limiter.seconds(2);
  limiter.probe["redis"] = state;
  limiter.seconds(300);
  expect(limiter.roots).toEqual(["redis_down redis"]);
  expect(new Set(limiter.said("redis_disconnected"))).toEqual(new Set(nodes.map((node) => `firing ${node}`)));
  expect(new Set(limiter.said("source_blind"))).toEqual(new Set(["firing redis-redis", "firing registry-cluster"]));
  expect(new Set(limiter.said("high_latency"))).toEqual(new Set(nodes.map((node) => `firing ${node}`)));

  limiter.probe["redis"] = "up";
  limiter.unreadable.clear();
  for (const node of nodes) {
    limiter.connected[node] = true;
    limiter.p99Ms[node] = 5;
  }
  limiter.seconds(10);
  expect(limiter.said("redis_down")).toEqual(["firing redis", "cleared redis"]);
  expect(limiter.said("redis_disconnected").filter((word) => word.startsWith("cleared"))).toHaveLength(3);
  expect(limiter.said("source_blind").filter((word) => word.startsWith("cleared"))).toHaveLength(2);
  expect(limiter.roots).toEqual(["redis_down redis"]);
});

test("redis_disconnected fires after 3 s on one node that alone can't reach Redis, and clears", () => {
  const limiter = new Watched().seconds(5);
  limiter.connected["node-c"] = false;
  limiter.seconds(3);
  expect(limiter.said("redis_disconnected")).toEqual([]);
  limiter.seconds(1);
  expect(limiter.roots).toEqual(["redis_disconnected node-c"]);
  limiter.seconds(30).connected["node-c"] = true;
  limiter.seconds(4);
  expect(limiter.said("redis_disconnected")).toEqual(["firing node-c", "cleared node-c"]);
});

test("high_latency fires after a minute above 100 ms, holds while nobody asks, and clears", () => {
  const limiter = new Watched().seconds(5);
  limiter.p99Ms["node-a"] = 101;
  limiter.seconds(60);
  expect(limiter.said("high_latency")).toEqual([]);
  limiter.seconds(1);
  expect(limiter.roots).toEqual(["high_latency node-a"]);
  expect(limiter.story.violations[0]?.detail).toEqual({ kind: "threshold", value: 101, limit: 100, unit: "ms" });
  limiter.requests = 19;
  limiter.p99Ms["node-a"] = 5;
  limiter.seconds(30);
  expect(limiter.said("high_latency")).toEqual(["firing node-a", "blind node-a"]);
  limiter.requests = 20;
  limiter.seconds(4);
  expect(limiter.said("high_latency")).toEqual(["firing node-a", "blind node-a", "cleared node-a"]);
});

test("100 ms is fast enough, and a hiccup of half a minute is no case", () => {
  const limiter = new Watched();
  limiter.p99Ms["node-a"] = 100;
  limiter.seconds(120).p99Ms["node-a"] = 5_000;
  limiter.seconds(30).p99Ms["node-a"] = 5;
  limiter.seconds(60);
  expect(limiter.story.violations).toEqual([]);
});

test("a node that drains and leaves is no case", () => {
  const limiter = new Watched().seconds(5);
  limiter.draining = ["node-a"];
  limiter.seconds(1).probe["node-a"] = "refused";
  limiter.unreadable.add("metrics/node-a");
  limiter.after(20).seconds(2).departed = ["node-a"];
  limiter.seconds(60);
  expect(limiter.story.violations).toEqual([]);
  expect(limiter.story.line("node_down", "node-a")).toBeUndefined();
});

test("a node that drains and doesn't leave is down after 3 s", () => {
  const limiter = new Watched().seconds(5);
  limiter.draining = ["node-a"];
  limiter.probe["node-a"] = "refused";
  limiter.seconds(3);
  expect(limiter.roots).toEqual([]);
  limiter.seconds(1);
  expect(limiter.roots).toEqual(["node_down node-a"]);
});

test("a dead node that is deregistered is retired, and comes back as a new one", () => {
  const limiter = new Watched().seconds(5);
  limiter.probe["node-a"] = "refused";
  limiter.seconds(60).departed = ["node-a"];
  limiter.seconds(1);
  expect(limiter.said("node_down")).toEqual(["firing node-a", "retired node-a"]);
  limiter.departed = [];
  limiter.seconds(1);
  expect(limiter.said("node_down")).toEqual(["firing node-a", "retired node-a", "firing node-a"]);
});

test("an observer that can't probe is one case, and claims nothing of the nodes", () => {
  const limiter = new Watched().seconds(5);
  for (const target of [...nodes, "redis"]) limiter.unreadable.add(`probe/${target}`);
  limiter.seconds(60);
  expect(limiter.roots).toEqual(["source_blind probe"]);
});

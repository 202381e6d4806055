import { expect, test } from "vitest";
import { KnownNodes } from "./observe-nodes.ts";
import type { RegistryReading } from "./state.ts";
import { countedUntilUs, fullestOf, timesOf, windowsUntil } from "./windows.ts";

const second = 1_000_000;
const untilUs = 100 * second;
const nowUs = untilUs + 1.5 * second;

/** What a node answers that admitted at these times, counted until then. */
function node(hitsUs: number[], countedUntilUs: number, windows = windowsUntil(untilUs, second, 0)) {
  const admittedAfter = timesOf(windows).map((time) => hitsUs.filter((at) => at > time && at <= untilUs).length);
  return { admittedAfter, countedUntilUs: () => countedUntilUs };
}

const hits = (count: number, fromUs: number, everyUs: number) =>
  Array.from({ length: count }, (_, at) => fromUs + at * everyUs);

test("the windows end every 250 ms over the last 3.5 s, and none begins before what is known", () => {
  const windows = windowsUntil(untilUs, second, untilUs - 2 * second);
  expect(windows).toHaveLength(15);
  expect(windows[0]).toEqual({ afterUs: untilUs - second, untilUs });
  expect(windows[4]).toEqual({ afterUs: untilUs - 2 * second, untilUs: untilUs - second });
  expect(windows.at(-1)).toEqual({ afterUs: untilUs - 3.5 * second, untilUs: untilUs - 3.5 * second });
});

test("a second that was too full between two readings is found", () => {
  const burst = hits(12, untilUs - 1.7 * second, 50_000);
  expect(fullestOf(windowsUntil(untilUs, second, 0), [node(burst, untilUs)])).toBe(12);
});

test("a burst that lies in two tiles of a second isn't halved", () => {
  const burst = hits(10, untilUs - 1.25 * second + 1, 50_000);
  const tiles = [0, 4, 8].map((at) => windowsUntil(untilUs, second, 0)[at]).filter((tile) => tile !== undefined);
  expect(fullestOf(tiles, [node(burst, untilUs, tiles)])).toBeLessThan(10);
  expect(fullestOf(windowsUntil(untilUs, second, 0), [node(burst, untilUs)])).toBe(10);
});

test("what several nodes admitted in one window adds up, and not what they admitted in different ones", () => {
  const [early, late] = [hits(5, untilUs - 3 * second, 1_000), hits(4, untilUs - 500_000, 1_000)];
  const windows = windowsUntil(untilUs, second, 0);
  expect(fullestOf(windows, [node(early, untilUs), node(early, untilUs)])).toBe(10);
  expect(fullestOf(windows, [node(early, untilUs), node(late, untilUs)])).toBe(5);
});

test("a node counts until its last heartbeat, to the 250 ms before it", () => {
  const windows = windowsUntil(untilUs, second, 0);
  const steady = hits(35, untilUs - 3.5 * second + 50_000, 100_000);
  expect(fullestOf(windows, [node(steady, untilUs - 3.25 * second)])).toBe(3);
  expect(fullestOf(windows, [node(steady, 0)])).toBe(0);
});

const registry = (changed: Partial<RegistryReading>): RegistryReading => ({
  redisTimeMs: nowUs / 1_000,
  members: [],
  nodes: {},
  departed: {},
  ...changed,
});

test("who has a place in the register is counted, whoever lost it until then, who never had one not at all", () => {
  const nodes = new KnownNodes(new Map([["node-a", "http://127.0.0.1:1"]]));
  expect(nodes.isLearned()).toBe(false);
  const window = { afterUs: untilUs - second, untilUs };
  nodes.learn(registry({}));
  expect(nodes.isLearned()).toBe(true);
  expect(countedUntilUs(nodes, "node-a", nowUs, window)).toBe(0);

  const heartbeatAtMs = nowUs / 1_000 - 800;
  nodes.learn(registry({ members: ["node-a"], nodes: { "node-a": { present: true, heartbeatAtMs } } }));
  expect(countedUntilUs(nodes, "node-a", nowUs, window)).toBe(heartbeatAtMs * 1_000);
  // One that renews its place seldom is counted, later.
  expect(countedUntilUs(nodes, "node-a", nowUs + 20 * second, window)).toBe(nowUs + 16 * second);

  nodes.learn(registry({ members: ["node-a"], nodes: { "node-a": { present: false } } }));
  expect(countedUntilUs(nodes, "node-a", nowUs + 20 * second, window)).toBe(heartbeatAtMs * 1_000);

  // Back again: of a window in which it was away only what came before that is counted.
  const backAtMs = heartbeatAtMs + 10_000;
  nodes.learn(registry({ members: ["node-a"], nodes: { "node-a": { present: true, heartbeatAtMs: backAtMs } } }));
  const backUs = backAtMs * 1_000;
  const across = { afterUs: backUs - 1, untilUs: backUs + second };
  expect(countedUntilUs(nodes, "node-a", backUs, across)).toBe(heartbeatAtMs * 1_000);
  expect(countedUntilUs(nodes, "node-a", backUs, { ...across, afterUs: backUs })).toBe(backUs);
});

import { expect, test } from "vitest";
import { progressOf } from "./memory.ts";
import { Story, startMs } from "./snapshots.fixture.ts";

const downA = { probe: { a: false } };
const slowA = { metrics: { a: 300 } };

test("5 s without a snapshot is a violation of its own, dated by the last snapshot", () => {
  const story = new Story();
  story.next();
  expect(story.silence(4_000).violations).toEqual([]);
  const [silent] = story.silence(5_300).violations;
  expect(silent).toMatchObject({
    invariant: "observer_silent",
    target: "observer",
    state: "firing",
    severity: "critical",
    asOf: startMs + 5_000,
    sinceMs: startMs + 5_000,
    detail: { kind: "silent_service", service: "observer", silentMs: 5_000 },
    lastGood: { atMs: startMs, pointers: ["/atMs"] },
  });
  expect(silent?.firstBad).toBeUndefined();
});

test("in a silence all verdicts are unknown, what fired is blind, what is pending doesn't fire", () => {
  const story = new Story();
  story.next(downA);
  story.next(slowA);
  const { verdicts } = story.silence(60_000);
  const others = verdicts?.lines.filter(({ invariant }) => invariant !== "observer_silent") ?? [];
  expect(others.length).toBeGreaterThan(8);
  expect(new Set(others.map(({ verdict }) => verdict))).toEqual(new Set(["unknown"]));
  expect(story.line("down", "a")?.state).toBe("blind");
  expect(story.line("slow", "a")?.state).toBe("pending");
  expect(story.said("down")).toEqual(["firing a", "blind a"]);
  expect(story.said("slow")).toEqual([]);
  expect(story.said("source_blind")).toEqual([]);
});

test("a silence clears after three snapshots over 3 s, and what it hid is seen again at once", () => {
  const story = new Story();
  story.next(downA);
  story.silence(10_000);
  story.scenery.atMs += 12_000;
  story.next();
  expect(story.said("down")).toEqual(["firing a", "blind a", "firing a"]);
  story.times(2);
  expect(story.said("observer_silent")).toEqual(["firing observer"]);
  story.next();
  expect(story.said("observer_silent")).toEqual(["firing observer", "cleared observer"]);
});

test("a snapshot that comes late in event time implies the silences: who ticked and who didn't say the same", () => {
  const [ticked, slept] = [new Story(), new Story()];
  for (const story of [ticked, slept]) story.next(downA);
  for (const afterMs of [5_000, 10_000, 11_000, 15_100, 20_000]) ticked.silence(afterMs);
  for (const story of [ticked, slept]) {
    story.next({ afterMs: 23_000 });
    story.times(5);
  }
  expect(slept.violations).toEqual(ticked.violations);
  expect({ ...slept.memory, claimed: 0, verdictsAtMs: 0 }).toEqual({ ...ticked.memory, claimed: 0, verdictsAtMs: 0 });
  expect(slept.said("observer_silent")).toEqual(["firing observer", "cleared observer"]);
});

test("a silence that was said already isn't said again", () => {
  const story = new Story();
  story.next();
  story.silence(5_000);
  const { memory } = story;
  expect(story.silence(9_900)).toMatchObject({ violations: [], changes: [] });
  expect(story.memory).toBe(memory);
  story.next({ afterMs: 9_000 });
  expect(story.violations.map(({ asOf }) => asOf)).toEqual([startMs + 5_000]);
});

test("exactly 5 s between snapshots is no silence yet", () => {
  const story = new Story();
  story.next();
  story.next({ afterMs: 5_000 });
  expect(story.said("observer_silent")).toEqual([]);
  story.next({ afterMs: 5_001 });
  expect(story.said("observer_silent")).toEqual(["firing observer"]);
});

test("a silence of a month is taken in two steps", () => {
  const story = new Story();
  story.next(downA);
  const { violations } = story.next({ afterMs: 30 * 24 * 3_600_000 });
  expect(violations.length).toBeLessThan(10);
  expect(story.said("observer_silent")).toEqual(["firing observer"]);
  expect(story.said("down")).toEqual(["firing a", "blind a", "firing a"]);
});

test("before the first snapshot ever there are 30 s, dated by the start that the memory holds", () => {
  const story = new Story();
  const { startedAtMs } = story.memory;
  expect(story.silence(3_000).verdicts).toMatchObject({
    silentMs: 3_000,
    lines: [{ invariant: "observer_silent", verdict: "ok" }],
  });
  expect(story.silence(29_999).violations).toEqual([]);
  const [silent] = story.silence(30_000).violations;
  expect(silent).toMatchObject({ asOf: startedAtMs + 30_000, detail: { silentMs: 30_000 } });
  expect(silent?.lastGood).toBeUndefined();
  story.scenery.atMs = startedAtMs + 40_000;
  story.times(4);
  expect(story.said("observer_silent")).toEqual(["firing observer", "cleared observer"]);
});

test("history older than the start of the first checker is judged by its own dates", () => {
  const story = new Story();
  story.memory = { ...story.memory, startedAtMs: startMs + 3_600_000 };
  story.next(downA);
  expect(story.violations[0]).toMatchObject({ asOf: startMs, state: "firing" });
});

test("between two silences the verdicts are said again, and nothing is remembered of it", () => {
  const story = new Story();
  story.next();
  const { memory } = story;
  const { verdicts } = story.silence(2_000);
  expect(verdicts).toMatchObject({ asOf: startMs + 2_000, silentMs: 2_000, snapshot: { n: 1 } });
  expect(verdicts?.lines.find(({ invariant }) => invariant === "down")).toMatchObject({
    verdict: "unknown",
    reason: "no snapshot for 2.0 s",
  });
  expect(story.memory).toBe(memory);
});

test("a snapshot that was held up and comes after its silence was claimed is judged after it", () => {
  const story = new Story();
  story.next();
  story.silence(5_000);
  story.next({ ...downA, afterMs: 1_000 });
  const [silent, down] = story.violations;
  expect(silent?.invariant).toBe("observer_silent");
  expect(down).toMatchObject({ invariant: "down", state: "firing", asOf: startMs + 5_500 });
  // Half as fast until it's caught up with: what was said is never taken back, and no grace stands still.
  story.times(4);
  expect(story.memory.nowMs).toBe(startMs + 7_500);
  story.times(6);
  expect(story.memory.nowMs).toBe(story.scenery.atMs);
});

test("the first snapshot ever implies no silence: the start is dated by another clock", () => {
  const story = new Story();
  story.memory = { ...story.memory, startedAtMs: startMs - 86_400_000 };
  story.next();
  expect(story.violations).toEqual([]);
});

test("of two memories the one with the later snapshot, then with more silences, is further", () => {
  const story = new Story();
  story.next();
  const first = story.memory;
  story.silence(5_000);
  const silent = story.memory;
  story.next({ afterMs: 6_000 });
  expect(progressOf(first, silent)).toBe("less");
  expect(progressOf(story.memory, silent)).toBe("more");
  expect(progressOf(silent, silent)).toBe("equal");
  story.next({ takeover: true });
  expect(progressOf(story.memory, { ...silent, n: 900 })).toBe("more");
});

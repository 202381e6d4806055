import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { atPointer } from "@operator/contracts/json";
import { expect, test } from "vitest";
import { nothing, readAfter } from "./recall.ts";
import { type Scene, Story } from "./snapshots.fixture.ts";

const downA: Scene = { probe: { a: false } };
const slowA: Scene = { metrics: { a: 300 } };

test("a violation cites its first bad and its last good snapshot, which are kept with it", () => {
  const story = new Story();
  story.times(3);
  const { violations, evidence } = story.next(downA);
  const [violation] = violations;
  const [bad, good] = [story.scenery.atMs, story.scenery.atMs - 1_000];
  expect(evidence.map(({ atMs }) => atMs)).toEqual([bad, good]);
  for (const [reference, snapshot, value] of [
    [violation?.firstBad, evidence[0], false],
    [violation?.lastGood, evidence[1], true],
  ] as const) {
    if (!reference || !snapshot) throw new Error("no evidence");
    expect(reference.address).toBe(addressOf(flow.evidence, snapshot));
    expect(reference.pointers).toEqual(["/parts/probe/a/up"]);
    expect(atPointer(snapshot, "/parts/probe/a/up")).toBe(value);
  }
});

test("last good is where it was seen well, not where nobody saw it", () => {
  const story = new Story();
  story.next();
  const goodAtMs = story.scenery.atMs;
  story.times(3, { probe: { a: "failed" } });
  const { violations } = story.next(downA);
  expect(violations[0]?.lastGood?.atMs).toBe(goodAtMs);
});

test("first bad is where it began, not where its grace ended", () => {
  const story = new Story();
  story.next();
  story.next(slowA);
  const badAtMs = story.scenery.atMs;
  const said = story.times(10);
  expect(said.at(-1)?.violations[0]?.firstBad?.atMs).toBe(badAtMs);
  expect(said.at(-1)?.evidence.map(({ atMs }) => atMs)).toEqual([badAtMs, badAtMs - 1_000]);
});

test("what stays pending and recovers leaves nothing in the evidence", () => {
  const story = new Story();
  story.next();
  story.times(9, slowA);
  story.next({ metrics: { a: 5 } });
  expect(story.all.flatMap(({ evidence }) => evidence)).toEqual([]);
});

test("what was always broken has no last good", () => {
  const story = new Story();
  const [violation] = story.next(downA).violations;
  expect(violation?.lastGood).toBeUndefined();
  expect(violation?.firstBad).toBeDefined();
});

test("a checker that begins reads again what it may have to cite", () => {
  const story = new Story();
  const inputs = [...Array.from({ length: 20 }, () => ({})), slowA, {}, {}].map((scene) => {
    const input = story.scenery.next(scene);
    story.take(input);
    return input;
  });
  expect(readAfter(story.memory)).toBe(inputs[19]!.sequence - 1);

  const resumed = new Story(story.room, story.scenery);
  resumed.memory = story.memory;
  resumed.recall = nothing;
  for (const input of inputs.filter(({ sequence }) => sequence > readAfter(story.memory))) {
    expect(resumed.take(input).ignored).toBe("repeat");
  }
  for (let i = 0; i < 8; i++) {
    const input = story.scenery.next();
    expect(resumed.take(input).violations).toEqual(story.take(input).violations);
  }
  expect(resumed.violations[0]?.firstBad).toBeDefined();
  expect(resumed.violations[0]?.lastGood).toBeDefined();
});

test("a start doesn't read again more than 1,000 messages of the stream", () => {
  const story = new Story();
  story.next();
  story.next({ metrics: { a: "failed" } });
  story.scenery.sequence += 5_000;
  story.next();
  expect(readAfter(story.memory)).toBe(story.memory.sequence - 1);
});

test("few snapshots are held, however many targets are unknown since when", () => {
  const story = new Story();
  const nodes = Array.from({ length: 60 }, (_, i) => `n${i}`);
  story.next({ probe: Object.fromEntries(nodes.map((node) => [node, true])) });
  for (const node of nodes) story.next({ probe: { [node]: "failed" } });
  expect(story.recall.size).toBe(32);
});

import { Snapshot } from "@operator/contracts/snapshot";
import { expect, test } from "vitest";
import { casesOfSources, readsOf } from "./own-sight.ts";
import { type Scene, Story, toyRoom } from "./snapshots.fixture.ts";

function blind(story: Story) {
  return story.violations
    .filter(({ invariant }) => invariant === "source_blind")
    .map(({ state, target, explainedBy }) => [state, target, ...explainedBy].join(" "))
    .filter((word, i, words) => words.indexOf(word) === i);
}

test.each<[string, Scene, string]>([
  ["fails", { probe: { a: "failed" } }, "TIMEOUT"],
  ["is late", { probe: { a: "late" } }, "LATE"],
  ["lost its target", { probe: { a: "lost" } }, "LOST"],
])("a source that %s for 30 s is blind", (_, scene, code) => {
  const story = new Story();
  story.next();
  story.times(30, scene);
  expect(blind(story)).toEqual([]);
  story.next();
  expect(blind(story)).toEqual(["firing probe-a"]);
  expect(story.violations[0]?.detail).toEqual({ kind: "blind", source: "probe", about: "a", code });
});

test("a reading that doesn't fit the room's state is as good as none", () => {
  const story = new Story();
  story.next();
  const { snapshot, sequence } = story.scenery.next();
  const odd = { ...snapshot, parts: { ...snapshot.parts, probe: { a: { up: "maybe" }, b: { up: true } } } };
  story.take({ kind: "snapshot", snapshot: odd, sequence });
  expect(story.line("down", "a")).toMatchObject({ verdict: "unknown", reason: expect.stringContaining("doesn't fit") });
  expect(story.line("down", "b")).toMatchObject({ verdict: "ok" });
  expect(story.line("source_blind", "probe-a")).toMatchObject({ state: "pending" });
});

test("a report without its reading is as good as none", () => {
  const story = new Story();
  story.next();
  const { snapshot, sequence } = story.scenery.next();
  const hollow = { ...snapshot, parts: { ...snapshot.parts, metrics: {} } };
  story.take({ kind: "snapshot", snapshot: hollow, sequence });
  expect(story.line("slow", "a")).toMatchObject({ verdict: "unknown", reason: "source metrics gives no reading of a" });
});

test("the time that a source may be blind is scaled", () => {
  const story = new Story({ ...toyRoom, graceScale: 0.1 });
  story.next();
  story.times(4, { probe: { a: "failed" } });
  expect(blind(story)).toEqual(["firing probe-a"]);
});

test("a source that reads again clears after three fresh readings over 3 s", () => {
  const story = new Story();
  story.next();
  story.times(31, { probe: { a: "failed" } });
  story.times(3, { probe: { a: true } });
  expect(story.said("source_blind")).toEqual(["firing probe-a"]);
  story.next();
  expect(story.said("source_blind")).toEqual(["firing probe-a", "cleared probe-a"]);
});

test("a source that reads none of its targets is one fault: it explains each of them", () => {
  const story = new Story();
  story.next();
  story.times(31, { metrics: { a: "failed", b: "failed" } });
  expect(blind(story)).toEqual([
    "firing metrics-a toy.source_blind.metrics",
    "firing metrics-b toy.source_blind.metrics",
    "firing metrics",
  ]);
});

test("a source that reads one of two again is blind of the other alone", () => {
  const story = new Story();
  story.next();
  story.times(31, { metrics: { a: "failed", b: "failed" } });
  story.times(40, { metrics: { a: 5 } });
  expect(story.violations.findLast(({ target }) => target === "metrics")?.state).toBe("cleared");
  expect(story.violations.findLast(({ target }) => target === "metrics-a")?.state).toBe("cleared");
  expect(blind(story).at(-1)).toBe("firing metrics-b");
});

/** A room in which a target that is down explains that its metrics can't be read. */
const joinedRoom = {
  ...toyRoom,
  explanations: [
    ...toyRoom.explanations,
    {
      cause: "down",
      effect: "source_blind",
      why: "",
      joins: (cause: { target: string }, effect: { detail: object }) =>
        "source" in effect.detail &&
        effect.detail.source === "metrics" &&
        "about" in effect.detail &&
        effect.detail.about === cause.target,
    },
  ],
};

test("a source has no fault of its own when each target that it lost has another cause", () => {
  const story = new Story(joinedRoom);
  story.next();
  story.times(31, { probe: { a: false, b: false }, metrics: { a: "failed", b: "failed" } });
  const whole = story.violations.find(({ target }) => target === "metrics");
  expect(whole?.explainedBy).toEqual(["toy.down.a", "toy.down.b"]);
  expect(story.violations.filter(({ explainedBy }) => explainedBy.length === 0).map(({ target }) => target)).toEqual(
    expect.not.arrayContaining(["metrics", "metrics-a", "metrics-b"]),
  );
});

test("a source has a fault of its own when one of the targets that it lost has no other cause", () => {
  const story = new Story(joinedRoom);
  story.next();
  story.times(31, { probe: { a: false }, metrics: { a: "failed", b: "failed" } });
  expect(story.violations.find(({ target }) => target === "metrics")?.explainedBy).toEqual([]);
});

test("what left on purpose makes no source blind, and retires what did", () => {
  const story = new Story();
  story.next();
  story.times(31, { probe: { a: "failed" } });
  story.next({ departed: ["a"] });
  expect(story.said("source_blind")).toEqual(["firing probe-a", "retired probe-a"]);
  story.times(40);
  expect(blind(story)).toEqual(["firing probe-a", "retired probe-a"]);
});

test("a source with one target is blind of that target, not once more as a whole", () => {
  const story = new Story();
  story.next();
  story.times(31, { departed: "failed" });
  expect(blind(story)).toEqual(["firing registry-all"]);
});

test("of sources that name targets without an end, so many are watched", () => {
  const { snapshot } = new Story().scenery.next();
  const many = Object.fromEntries(Array.from({ length: 10_100 }, (_, at) => [`t${at}`, { readAtMs: 1 }]));
  const flooded = Snapshot.parse({ ...snapshot, sources: { probe: { rhythmMs: 250, targets: many } } });
  const reads = readsOf(flooded, readsOf(snapshot, []));
  expect(reads).toHaveLength(10_000);
  expect(
    reads.slice(0, 2).map(({ source, about }) => `${source}/${about}`),
    "known ones first",
  ).toEqual(["probe/a", "probe/b"]);
});

test("of a source of many targets the line of the whole shows some, those that it doesn't read first", () => {
  const { snapshot } = new Story().scenery.next();
  const names = Array.from({ length: 100 }, (_, at) => `t${at}`);
  const error = { code: "TIMEOUT", message: "no answer", sinceMs: snapshot.atMs };
  const targets = Object.fromEntries(
    names.map((name) => [name, name === "t99" ? { error } : { readAtMs: snapshot.atMs }]),
  );
  const parts = { probe: Object.fromEntries(names.map((name) => [name, { up: true }])) };
  const wide = Snapshot.parse({ ...snapshot, sources: { probe: { rhythmMs: 250, targets } }, parts });
  const reads = readsOf(wide, []).map((read) => ({ ...read, left: false }));
  const whole = casesOfSources(wide, [], reads, 1).at(-1);
  expect(whole?.judgement).toMatchObject({ verdict: "ok", reason: "probe reads 99 of 100 targets" });
  expect(whole?.sources).toHaveLength(20);
  expect(whole?.sources[0]).toMatchObject({ target: "t99", fresh: false });
});

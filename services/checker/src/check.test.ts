import { SubjectName } from "@operator/contracts/names";
import { expect, test } from "vitest";
import { type Scene, Story, toyRoom } from "./snapshots.fixture.ts";

const ok: Scene = {};
const downA: Scene = { probe: { a: false } };
const upA: Scene = { probe: { a: true } };
const unseenA: Scene = { probe: { a: "failed" } };
const slowA: Scene = { metrics: { a: 300 } };
const fastA: Scene = { metrics: { a: 5 } };
const unseenMetricsA: Scene = { metrics: { a: "failed" } };

function told(scenes: Scene[], room = toyRoom): Story {
  const story = new Story(room);
  for (const scene of scenes) story.next(scene);
  return story;
}

function repeated(count: number, scene: Scene): Scene[] {
  return Array.from({ length: count }, () => scene);
}

test.each<[string, Scene[], string[]]>([
  ["what is well says nothing", repeated(30, ok), []],
  ["what breaks without grace fires at once", [ok, downA], ["firing a"]],
  ["what is broken in the first snapshot fires too", [downA], ["firing a"]],
  ["two oks don't clear", [ok, downA, upA, ok], ["firing a"]],
  ["three fresh oks over less than 3 s don't clear", [downA, upA, ok, ok], ["firing a"]],
  ["oks over 3 s clear", [downA, upA, ok, ok, ok], ["firing a", "cleared a"]],
  ["two oks 3 s apart don't clear", [downA, { ...upA, afterMs: 500 }, { afterMs: 4_000 }], ["firing a"]],
  ["three oks that were sent in a hurry don't clear", [downA, ...repeated(10, { ...upA, afterMs: 100 })], ["firing a"]],
  [
    "an old reading sent again isn't a fresh ok",
    [downA, upA, ...repeated(6, { probe: { a: "late" }, afterMs: 100 })],
    ["firing a"],
  ],
  [
    "one reading sent three times and another 3 s later are two proofs, not four",
    [
      downA,
      upA,
      { probe: { a: "late" }, afterMs: 100 },
      { probe: { a: "late" }, afterMs: 100 },
      { probe: { a: true }, afterMs: 3_000 },
    ],
    ["firing a"],
  ],
  ["not seeing it doesn't clear", [downA, ...repeated(20, unseenA)], ["firing a", "blind a"]],
  ["what was blind and is seen broken again fires again", [downA, unseenA, downA], ["firing a", "blind a", "firing a"]],
  [
    "what was blind and is well again clears by the same proof",
    [downA, unseenA, upA, ok, ok, ok],
    ["firing a", "blind a", "cleared a"],
  ],
  ["not seeing it in between begins the proof anew", [downA, upA, ok, unseenA, upA, ok, ok], ["firing a", "blind a"]],
  ["a breach while clearing begins the proof anew", [downA, upA, ok, downA, upA, ok, ok], ["firing a"]],
  [
    "another observer begins the proof anew: its clock is another",
    [downA, upA, ok, { takeover: true }, ok, ok],
    ["firing a"],
  ],
  [
    "a target that the sources no longer name doesn't clear",
    [downA, ...repeated(9, { probe: { a: "lost" } })],
    ["firing a", "blind a"],
  ],
  ["a target that left on purpose is retired", [downA, { departed: ["a"] }], ["firing a", "retired a"]],
  [
    "a target that left while nobody saw it is retired",
    [downA, unseenA, { departed: ["a"] }],
    ["firing a", "blind a", "retired a"],
  ],
  [
    "a register that can't be read proves no leaving",
    [{ departed: ["a"] }, { ...downA, departed: "failed" }],
    ["firing a"],
  ],
  ["what left and came back is judged anew", [{ departed: ["a"] }, { ...downA, departed: [] }], ["firing a"]],
  ["what left isn't judged", [{ departed: ["a"] }, downA, ok], []],
])("%s", (_, scenes, said) => {
  expect(told(scenes).said("down")).toEqual(said);
});

test.each<[string, Scene[], string[]]>([
  ["within its grace nothing is said", [ok, ...repeated(10, slowA)], []],
  ["after its grace it fires", [ok, ...repeated(11, slowA)], ["firing a"]],
  ["an ok within the grace takes it back", [ok, ...repeated(9, slowA), fastA, ...repeated(10, slowA)], []],
  ["nothing fires while nobody sees it", [ok, ...repeated(3, slowA), ...repeated(20, unseenMetricsA)], []],
  [
    "not seeing it stops no grace: seen broken after it, it fires at once",
    [ok, ...repeated(3, slowA), ...repeated(7, unseenMetricsA), slowA],
    ["firing a"],
  ],
  [
    "unknown before the breach isn't part of its grace",
    [ok, ...repeated(20, unseenMetricsA), ...repeated(10, slowA)],
    [],
  ],
  [
    "a rule that throws neither fires nor clears",
    [ok, ...repeated(11, slowA), ...repeated(9, { metrics: { a: 13 } })],
    ["firing a", "blind a"],
  ],
])("with a grace: %s", (_, scenes, said) => {
  expect(told(scenes).said("slow")).toEqual(said);
});

test("grace and hold-down are scaled, freshness isn't", () => {
  const room = { ...toyRoom, graceScale: 0.1 };
  expect(told([ok, slowA, slowA], room).said("slow")).toEqual(["firing a"]);
  expect(told([ok, slowA, slowA, fastA, ok], room).said("slow")).toEqual(["firing a"]);
  expect(told([ok, slowA, slowA, fastA, ok, ok], room).said("slow")).toEqual(["firing a", "cleared a"]);
  expect(told([ok, { probe: { a: "late" }, afterMs: 600 }], room).line("down", "a")?.verdict).toBe("ok");
});

test("each comeback within 10 minutes doubles the time to prove health, to 60 s at most; later ones don't count", () => {
  const story = new Story();
  const secondsToClear = () => {
    story.next(downA);
    story.next(upA);
    for (let seconds = 1; ; seconds++) {
      if (story.next().violations.some(({ state }) => state === "cleared")) return seconds;
    }
  };
  const holds = Array.from({ length: 6 }, secondsToClear);
  expect(holds).toEqual([3, 6, 12, 24, 48, 60]);
  const comebacks = story.violations.filter(({ state }) => state === "cleared").map(({ comebacks }) => comebacks);
  expect(comebacks).toEqual([0, 1, 2, 3, 4, 5]);
  story.times(600);
  expect(secondsToClear()).toBe(3);
});

test("who left and came back isn't a target that keeps breaking", () => {
  const story = told([downA, { departed: ["a"] }, { departed: [] }]);
  expect(story.said("down")).toEqual(["firing a", "retired a", "firing a"]);
  expect(story.violations.at(-1)?.comebacks).toBe(0);
});

test("of what ended the newest thousand are remembered", () => {
  const story = told([downA, upA, ok, ok, ok]);
  const [ended] = story.memory.ended;
  if (!ended) throw new Error("nothing ended");
  story.memory = { ...story.memory, ended: Array.from({ length: 1_500 }, () => ended) };
  story.next();
  expect(story.memory.ended).toHaveLength(1_000);
});

test("an episode keeps its start, counts each bad snapshot, and is said every 5 s", () => {
  const story = told([ok, downA]);
  story.times(12);
  const [first] = story.violations;
  expect(story.violations.map(({ asOf }) => asOf - (first?.asOf ?? 0))).toEqual([0, 5_000, 10_000]);
  expect(story.violations.map(({ occurrences }) => occurrences)).toEqual([1, 6, 11]);
  expect(new Set(story.violations.map(({ sinceMs }) => sinceMs))).toEqual(new Set([first?.asOf]));
});

test("who looked well for a moment and is unseen again is blind since it was", () => {
  const story = told([downA, unseenA, upA, ...repeated(9, unseenA)]);
  const blind = story.violations.filter(({ state }) => state === "blind");
  expect(blind.length).toBeGreaterThan(1);
  expect(new Set(blind.map(({ changedAtMs }) => changedAtMs))).toEqual(new Set([blind[0]?.asOf]));
});

test("a relapse is the same episode, a breach after clearing is another", () => {
  const story = told([downA, upA, ok, downA, upA, ok, ok, ok, downA]);
  const [first] = story.violations;
  const [cleared, second] = story.violations.slice(-2);
  expect(cleared).toMatchObject({ state: "cleared", sinceMs: first?.sinceMs, occurrences: 2 });
  expect(second).toMatchObject({ state: "firing", occurrences: 1, comebacks: 1 });
  expect(second?.sinceMs).toBeGreaterThan(cleared?.asOf ?? Infinity);
});

test("older epochs and numbers are ignored: same memory, nothing said", () => {
  const story = told([ok, ok]);
  const late = story.scenery.next(downA);
  story.next({ ...upA, takeover: true });
  const { memory } = story;
  for (const input of [late, { ...late, snapshot: { ...late.snapshot, epoch: late.snapshot.epoch + 1, n: 1 } }]) {
    const assessment = story.take(input);
    expect(assessment.ignored).toBe(input === late ? "older-epoch" : "repeat");
    expect(assessment).toMatchObject({ violations: [], evidence: [], changes: [] });
    expect(assessment.verdicts).toBeUndefined();
    expect(story.memory).toBe(memory);
  }
});

test("event time doesn't go back with another observer's clock", () => {
  const story = told([ok, downA]);
  story.next({ takeover: true, afterMs: -60_000 });
  story.times(30);
  const times = story.verdicts.map(({ asOf }) => asOf);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(new Set(times).size).toBe(times.length);
});

test("a snapshot of another subject is a broken assumption", () => {
  const story = new Story();
  const { snapshot, sequence } = story.scenery.next();
  const foreign = { ...snapshot, subject: SubjectName.parse("other") };
  expect(() => story.take({ kind: "snapshot", snapshot: foreign, sequence })).toThrow(/"other".*"toy"/);
});

test("what left is remembered for as long as it explains, what cleared for as long as it counts as a comeback", () => {
  const left = told([downA, { departed: ["a"] }, ...repeated(29, ok)]);
  expect(left.memory.ended.map(({ how }) => how)).toEqual(["retired"]);
  left.next();
  expect(left.memory.ended).toEqual([]);
  const cleared = told([downA, upA, ...repeated(60, ok)]);
  expect(cleared.memory.ended.map(({ how }) => how)).toEqual(["cleared"]);
});

test("a rule that the room no longer has is retired and forgotten", () => {
  const story = told([downA]);
  const fewer = new Story(
    { ...toyRoom, invariants: toyRoom.invariants.filter(({ name }) => name !== "down") },
    story.scenery,
  );
  fewer.memory = story.memory;
  fewer.next();
  expect(fewer.said("down")).toEqual(["retired a"]);
  expect(Object.keys(fewer.memory.known).filter((key) => key.startsWith("down/"))).toEqual([]);
});

test("the verdicts tell state, value, limit, grace left and how fresh the sources are", () => {
  const story = told([ok, slowA, ok, ok, downA]);
  expect(story.line("slow", "a")).toMatchObject({
    verdict: "violated",
    state: "pending",
    value: 300,
    limit: 100,
    unit: "ms",
    graceLeftMs: 7_000,
    sources: [{ source: "metrics", target: "a", fresh: true }],
  });
  expect(story.line("down", "a")).toMatchObject({ state: "firing", severity: "critical" });
  expect(story.line("down", "b")).toMatchObject({ verdict: "ok", state: "ok", explainedBy: [] });
  expect(story.line("observer_silent", "observer")).toMatchObject({ verdict: "ok", state: "ok" });
  story.next(unseenA);
  expect(story.line("down", "a")).toMatchObject({
    verdict: "unknown",
    state: "blind",
    reason: "source probe failed to read a: TIMEOUT: no answer in 500 ms",
    sources: [{ fresh: false, error: expect.stringContaining("TIMEOUT") }],
  });
});

test("verdicts go out once a second, whatever the rhythm of the snapshots", () => {
  const story = new Story();
  story.times(100, { afterMs: 100 });
  expect(story.verdicts.length).toBeGreaterThanOrEqual(9);
  expect(story.verdicts.length).toBeLessThanOrEqual(12);
});

test("a rule that throws is unknown with its reason, and counted", () => {
  const story = told([ok, { metrics: { a: 13 } }]);
  expect(story.line("slow", "a")).toMatchObject({ verdict: "unknown", reason: "CHECK_FAILED: 13 is bad luck" });
  expect(story.line("slow", "b")?.verdict).toBe("ok");
  expect(story.all.at(-1)?.failures).toEqual([{ invariant: "slow", target: "a", message: "13 is bad luck" }]);
});

test.each<[string, Partial<(typeof toyRoom)["invariants"][number]>]>([
  ["targets", { targets: () => fail() }],
  ["needs", { needs: () => fail() }],
  ["judge", { judge: () => fail() }],
  ["left", { left: { needs: () => [{ source: "registry", target: "all" }], says: () => fail() } }],
  ["judge, by a value that can't travel", { judge: () => ({ verdict: "ok", reason: "", value: NaN, pointers: [] }) }],
])("a room that throws in %s is counted, never a crash, and clears nothing", (_, broken) => {
  const story = told([downA]);
  const invariants = toyRoom.invariants.map((one) => (one.name === "down" ? { ...one, ...broken } : one));
  const after = new Story({ ...toyRoom, invariants }, story.scenery);
  after.memory = story.memory;
  after.next(upA);
  const isLeft = "left" in broken;
  expect(after.line("down", "a")?.state).toBe(isLeft ? "clearing" : "blind");
  if (!isLeft) expect(after.line("down", "a")?.reason).toMatch(/^CHECK_FAILED: /);
  expect(after.all.at(-1)?.failures.map(({ invariant }) => invariant)).toContain("down");
});

function fail(): never {
  throw new Error("the room is broken");
}

test("a target that the state no longer names is unknown, though its source was read", () => {
  const story = told([downA]);
  const invariants = toyRoom.invariants.map((one) => (one.name === "down" ? { ...one, targets: () => [] } : one));
  const after = new Story({ ...toyRoom, invariants }, story.scenery);
  after.memory = story.memory;
  after.times(9, upA);
  expect(after.said("down")).toEqual(["blind a"]);
  expect(after.line("down", "a")?.reason).toBe("the observed state no longer names a");
});

test("a rule that needs no source can't prove health by it", () => {
  const invariants = toyRoom.invariants.map((one) => (one.name === "down" ? { ...one, needs: () => [] } : one));
  expect(told([downA, ...repeated(9, upA)], { ...toyRoom, invariants }).said("down")).toEqual(["firing a"]);
});

test("a departure that needs no source proves no leaving", () => {
  const invariants = toyRoom.invariants.map((one) => ({ ...one, left: { needs: () => [], says: () => true } }));
  expect(told([downA, ok], { ...toyRoom, invariants }).said("down")).toEqual(["firing a"]);
});

test("after a gap the survivors go on, the proof of health begins anew, and the verdicts say so for a minute", () => {
  const story = told([downA, upA, ok, ok]);
  story.take({ kind: "gap", fromSequence: 104, toSequence: 900 });
  story.scenery.atMs += 600_000;
  story.times(3);
  expect(story.said("down")).toEqual(["firing a"]);
  expect(story.said("observer_silent")).toEqual([]);
  expect(story.verdicts.at(-1)?.gap).toEqual({ fromSequence: 104, toSequence: 900 });
  story.next();
  expect(story.said("down")).toEqual(["firing a", "cleared a"]);
  story.times(60);
  expect(story.verdicts.at(-1)?.gap).toBeUndefined();
});

test("of a rule that names targets without an end, so many are judged, and the rest is said to be left out", () => {
  const [rule] = toyRoom.invariants;
  if (!rule) throw new Error("the toy has rules");
  const endless = { ...rule, targets: () => Array.from({ length: 10_050 }, (_, at) => `t${at}`) };
  const { verdicts, failures } = new Story({ ...toyRoom, invariants: [endless] }).next();
  expect(verdicts?.lines.filter(({ invariant }) => invariant === rule.name)).toHaveLength(10_000);
  expect(failures).toContainEqual({
    invariant: rule.name,
    message: "names 10050 targets; the first 10000 are judged",
  });
});

test("of a rule that points at everything, so much is cited", () => {
  const [rule] = toyRoom.invariants;
  if (!rule) throw new Error("the toy has rules");
  const pointers = Array.from({ length: 500 }, (_, at) => `/parts/probe/t${at}`);
  const judge: typeof rule.judge = (state, target, nowMs, isFresh) => {
    const judged = rule.judge(state, target, nowMs, isFresh);
    return judged.verdict === "unknown" ? judged : { ...judged, pointers };
  };
  const story = new Story({ ...toyRoom, invariants: [{ ...rule, judge }] });
  story.next();
  story.next({ probe: { a: false } });
  const [violation] = story.violations;
  expect(violation?.firstBad?.pointers).toEqual(pointers.slice(0, 20));
  expect(violation?.lastGood?.pointers).toEqual(pointers.slice(0, 20));
  expect(story.memory.tracks.map((track) => track.state === "firing" && track.breach.pointers.length)).toEqual([20]);
});

test("a rule is told which readings that it doesn't need are old, failed or gone", () => {
  const [rule] = toyRoom.invariants;
  if (!rule) throw new Error("the toy has rules");
  const seen: boolean[] = [];
  const judge: typeof rule.judge = (state, target, nowMs, isFresh) => {
    if (target === "a") seen.push(isFresh("metrics", target));
    return rule.judge(state, target, nowMs, isFresh);
  };
  const room = { ...toyRoom, invariants: [{ ...rule, judge }] };
  const late: Scene = { metrics: { a: "late" }, afterMs: 4_000 };
  told([ok, late, fastA, unseenMetricsA, fastA, { metrics: { a: "lost" } }], room);
  expect(seen).toEqual([true, false, true, false, true, false]);
});

import { expect, test } from "vitest";
import { type Scene, Story, toyRoom } from "./snapshots.fixture.ts";

const downA: Scene = { probe: { a: false } };
const upA: Scene = { probe: { a: true } };
const slowA: Scene = { metrics: { a: 300 } };

/** The words on one violation that name a change: its state and what explains it. */
function explained(story: Story, invariant: string) {
  const words = story.violations
    .filter((violation) => violation.invariant === invariant)
    .map(({ state, explainedBy }) => [state, ...explainedBy].join(" "));
  return words.filter((word, i) => word !== words[i - 1]);
}

/** `slow` of a fired as a symptom of `down`, which has just cleared; `slow` hasn't. */
function outlasting(room = toyRoom): Story {
  const story = new Story(room);
  story.next({ ...downA, ...slowA });
  story.times(11);
  story.next(upA);
  story.times(3);
  expect(story.said("down")).toEqual(["firing a", "cleared a"]);
  return story;
}

test("a symptom is explained while its cause fires", () => {
  const story = new Story();
  story.next({ ...downA, ...slowA });
  story.times(11);
  expect(explained(story, "slow")).toEqual(["firing toy.down.a"]);
  expect(story.line("slow", "a")?.explainedBy).toEqual(["toy.down.a"]);
});

test("a cause that nobody sees any more still explains: it hasn't cleared", () => {
  const story = new Story();
  story.next({ ...downA, ...slowA });
  story.next({ probe: { a: "failed" } });
  story.times(15);
  expect(story.said("down")).toEqual(["firing a", "blind a"]);
  expect(explained(story, "slow")).toEqual(["firing toy.down.a"]);
});

test("an explanation that fires after the symptom is said of the symptom at once", () => {
  const story = new Story();
  story.times(12, slowA);
  const { violations } = story.next(downA);
  expect(violations.map(({ invariant }) => invariant).sort()).toEqual(["down", "slow"]);
  expect(explained(story, "slow")).toEqual(["firing", "firing toy.down.a"]);
});

test("30 s after its cause cleared, what is still broken stands for itself", () => {
  const story = outlasting();
  const clearedAtMs = story.violations.findLast(({ invariant }) => invariant === "down")?.asOf ?? 0;
  story.times(29);
  expect(explained(story, "slow")).toEqual(["firing toy.down.a"]);
  story.next();
  expect(explained(story, "slow")).toEqual(["firing toy.down.a", "firing"]);
  expect(story.violations.at(-1)?.asOf).toBe(clearedAtMs + 30_000);
});

test("the time that a cause explains after its end is scaled", () => {
  const story = new Story({ ...toyRoom, graceScale: 0.1 });
  story.next({ ...downA, ...slowA });
  story.times(4);
  story.next(upA);
  story.times(1);
  expect(story.said("down").at(-1)).toBe("firing a");
  story.times(6);
  expect(explained(story, "slow")).toEqual(["firing toy.down.a", "firing"]);
});

/** The words on the symptom from its last one as broken on. */
function ending(story: Story) {
  return explained(story, "slow").slice(-2);
}

test("a symptom clears as the symptom that it was said to be, also when its cause's time is over just then", () => {
  const story = outlasting();
  story.times(26);
  story.next({ metrics: { a: 5 } });
  story.times(3);
  expect(story.violations.at(-1)?.asOf, "30 s after its cause").toBe(
    (story.violations.findLast(({ invariant }) => invariant === "down")?.asOf ?? 0) + 30_000,
  );
  expect(ending(story)).toEqual(["firing toy.down.a", "cleared toy.down.a"]);
});

test("what stood for itself clears as such, also when something that would explain it breaks just then", () => {
  const story = new Story();
  story.times(12, slowA);
  story.next({ metrics: { a: 5 } });
  story.times(2);
  story.next(downA);
  expect(story.said("slow")).toEqual(["firing a", "cleared a"]);
  expect(story.said("down")).toEqual(["firing a"]);
  expect(ending(story)).toEqual(["firing", "cleared"]);
});

test("a symptom whose target leaves is retired as a symptom", () => {
  const story = new Story();
  story.next({ ...downA, ...slowA });
  story.times(11);
  story.next({ departed: ["a"] });
  expect(ending(story)).toEqual(["firing toy.down.a", "retired toy.down.a"]);
});

test("another target's fault explains nothing", () => {
  const story = new Story();
  story.next({ probe: { b: false }, ...slowA });
  story.times(11);
  expect(explained(story, "slow")).toEqual(["firing"]);
});

test("what something could explain says so until it's explained; a root says no", () => {
  const story = new Story();
  story.times(12, slowA);
  story.next(downA);
  const slow = story.violations.filter(({ invariant }) => invariant === "slow");
  expect(slow.map(({ mayBeExplained }) => mayBeExplained)).toEqual([true, false]);
  expect(story.violations.find(({ invariant }) => invariant === "down")?.mayBeExplained).toBe(false);
});

test("an explanation that throws explains nothing, and is counted", () => {
  const explanations = [
    {
      cause: "down",
      effect: "slow",
      why: "",
      joins: () => {
        throw new Error("no");
      },
    },
  ];
  const story = new Story({ ...toyRoom, explanations });
  story.next({ ...downA, ...slowA });
  story.times(11);
  expect(explained(story, "slow")).toEqual(["firing"]);
  expect(story.all.at(-1)?.failures).toContainEqual({ invariant: "slow", target: "a", message: "no" });
});

test("a silent observer explains why nobody sees, not what was seen broken before or after", () => {
  const story = new Story();
  story.next(downA);
  story.silence(5_000);
  expect(explained(story, "down")).toEqual(["firing", "blind toy.observer_silent.observer"]);
  story.scenery.atMs += 20_000;
  story.next({ probe: { b: false } });
  const found = story.violations.findLast(({ invariant, target }) => invariant === "down" && target === "b");
  expect(found).toMatchObject({ state: "firing", explainedBy: [], mayBeExplained: false });
});

/** When the first word on the invariant came that nothing explains, in ms after `down` cleared. */
function alone(story: Story, invariant: string): number | undefined {
  const clearedAtMs =
    story.violations.findLast((one) => one.invariant === "down" && one.state === "cleared")?.asOf ?? 0;
  const word = story.violations.find((one) => one.invariant === invariant && one.explainedBy.length === 0);
  return word && word.asOf - clearedAtMs;
}

test("what takes longer to recover is explained for longer, where the explanation says so", () => {
  const explanations = toyRoom.explanations.map((each) =>
    each.effect === "slow" ? { ...each, tailMs: 60_000 } : each,
  );
  const story = outlasting({ ...toyRoom, explanations });
  story.times(67);
  expect(alone(story, "slow")).toBe(60_000);
});

test("a source that was blind is given two of its readings to see again, however short the times are made", () => {
  const blinded = {
    cause: "down",
    effect: "source_blind",
    joins: (_: unknown, { detail }: { detail: { kind: string; source?: string } }) => detail.source === "metrics",
    why: "a toy",
  };
  const room = { ...toyRoom, graceScale: 0.01, explanations: [...toyRoom.explanations, blinded] };
  const story = new Story(room);
  story.next();
  story.next({ ...downA, metrics: { a: "failed" } });
  story.times(20, { afterMs: 100 });
  story.next({ ...upA, afterMs: 100 });
  story.times(50, { afterMs: 100 });
  expect(story.said("down")).toEqual(["firing a", "cleared a"]);
  expect(alone(story, "source_blind")).toBe(2_000);
});

test("what is ok again when its cause's time is over is a symptom still, and clears as one", () => {
  const story = outlasting();
  story.times(28);
  story.next({ metrics: { a: 5 } });
  story.times(4);
  expect(explained(story, "slow")).toEqual(["firing toy.down.a", "cleared toy.down.a"]);
});

test("broken once more after its cause's time it stands for itself", () => {
  const story = outlasting();
  story.times(28);
  story.next({ metrics: { a: 5 } });
  story.times(1);
  story.next(slowA);
  expect(explained(story, "slow")).toEqual(["firing toy.down.a", "firing"]);
});

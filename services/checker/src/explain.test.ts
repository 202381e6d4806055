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
  const story = new Story();
  story.next({ ...downA, ...slowA });
  story.times(11);
  story.next(upA);
  story.times(3);
  expect(story.said("down")).toEqual(["firing a", "cleared a"]);
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

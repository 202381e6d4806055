import { expect, test } from "vitest";
import { inRhythm } from "./rhythm.ts";
import { until } from "./until.fixture.ts";

test("it goes on after an error, which is told", async () => {
  let turns = 0;
  const errors: unknown[] = [];
  const rhythm = inRhythm(
    5,
    async () => {
      turns++;
      throw new Error(`turn ${turns}`);
    },
    (error) => errors.push(error),
  );
  await until("three turns", () => turns >= 3);
  await rhythm.stop();
  expect(errors).toHaveLength(turns);
});

test("turns never overlap, and stopping waits for the one under way", async () => {
  const turn = Promise.withResolvers<void>();
  let begun = 0;
  const rhythm = inRhythm(
    5,
    () => (begun++, turn.promise),
    () => {},
  );
  rhythm.now();
  let stopped = false;
  const stopping = rhythm.stop().then(() => (stopped = true));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect({ begun, stopped }).toEqual({ begun: 1, stopped: false });
  turn.resolve();
  await stopping;
});

test("once stopped there's no other turn, not even out of turn", async () => {
  let turns = 0;
  const rhythm = inRhythm(
    60_000,
    async () => void turns++,
    () => {},
  );
  await rhythm.stop();
  rhythm.now();
  expect(turns).toBe(1);
});

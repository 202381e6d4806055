import { expect, test } from "vitest";
import { doublingBounds, spread } from "./latency.ts";

const bounds = doublingBounds(0.000_05, 22);

/** The part of requests that took no longer than a bound. */
const within = (counts: number[], seconds: number) =>
  counts.slice(0, bounds.findIndex((bound) => bound >= seconds) + 1).reduce((sum, count) => sum + count, 0);

test("half take no longer than the median, 99 in 100 no longer than four times it", () => {
  const counts = spread(1_000, 0.0016, bounds);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeCloseTo(1_000);
  expect(within(counts, 0.0016)).toBeCloseTo(500, -1);
  expect(within(counts, 0.0064)).toBeCloseTo(990, -1);
});

test("what is slower than every bound is counted past the last", () => {
  expect(spread(10, 1_000_000, bounds).at(-1)).toBeCloseTo(10);
});

import { expect, test } from "vitest";
import { claim, median, percentile, short, spread } from "./figures.ts";

test("percentiles are by nearest rank, of any order, and there is none of nothing", () => {
  const values = Array.from({ length: 20 }, (_, at) => 20 - at);
  expect([0.05, 0.5, 0.95, 1].map((rank) => percentile(values, rank))).toEqual([1, 10, 19, 20]);
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test("the median of an even number of values lies between the middle two", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test.each([
  ["at the limit from below", 100, { atMost: 100 }, true],
  ["above it", 100.1, { atMost: 100 }, false],
  ["at the limit from above", 0.2, { atLeast: 0.2 }, true],
  ["below it", 0.19, { atLeast: 0.2 }, false],
  ["not measured, at most", Number.NaN, { atMost: 100 }, false],
  ["not measured, at least", Number.NaN, { atLeast: 0 }, false],
])("a number %s", (_, value, limit, reached) => {
  expect(claim("x", value, "ms", limit).reached).toBe(reached);
});

test("numbers are shown with the digits that matter", () => {
  expect([0.123, 12.34, 1_234.5, Number.NaN].map(short)).toEqual(["0.12", "12.3", "1,235", "–"]);
  expect(spread([1, 2, 3])).toBe("p50 2, p95 3, max 3 ms, n 3");
});

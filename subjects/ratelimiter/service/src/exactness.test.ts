import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createExactness } from "./exactness.ts";

const limit = { limit: 3, windowMs: 1_000 };

test("one more than the limit, all surely in one window, is found", () => {
  const exactness = createExactness(() => limit);
  const over = [0, 100, 200, 300].map((at) => exactness.admitted("k", { sentAtMs: at, receivedAtMs: at + 5 }));
  expect(over).toEqual([false, false, false, true]);
});

test("what may have been decided before the window isn't counted", () => {
  const exactness = createExactness(() => limit);
  const over = [0, 100, 200, 999].map((at) => exactness.admitted("k", { sentAtMs: at, receivedAtMs: at + 5 }));
  expect(over).toEqual([false, false, false, false]);
});

test("an answer that took longer than the window isn't counted at all", () => {
  const exactness = createExactness(() => limit);
  const over = [901, 1_000, 1_100].map((at) => exactness.admitted("k", { sentAtMs: at, receivedAtMs: at + 5 }));
  expect([...over, exactness.admitted("k", { sentAtMs: 0, receivedAtMs: 1_900 })]).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test("keys are apart, and each has its own limit", () => {
  const exactness = createExactness((key) => (key === "narrow" ? { limit: 1, windowMs: 1_000 } : limit));
  expect(exactness.admitted("narrow", { sentAtMs: 0, receivedAtMs: 1 })).toBe(false);
  expect(exactness.admitted("wide", { sentAtMs: 1, receivedAtMs: 2 })).toBe(false);
  expect(exactness.admitted("narrow", { sentAtMs: 2, receivedAtMs: 3 })).toBe(true);
});

test("an exact limiter is never accused, however late its answers come", () => {
  assertHolds(
    fc.property(anyTraffic, (requests) => {
      expect(accusations(requests, limit.limit)).toBe(0);
    }),
  );
});

test("a limiter that admits twice the limit is found out as soon as its answers come in time", () => {
  assertHolds(
    fc.property(fc.integer({ min: 0, max: 20 }), (delayMs) => {
      const burst = Array.from({ length: 12 }, (_, at) => ({ atMs: at * 10, beforeMs: delayMs, afterMs: delayMs }));
      expect(accusations(burst, 2 * limit.limit)).toBe(limit.limit);
    }),
  );
});

/** Runs requests through a true sliding log with some limit, and lets the outside look at what it admitted. */
function accusations(requests: { atMs: number; beforeMs: number; afterMs: number }[], trueLimit: number): number {
  let log: number[] = [];
  const admitted = [];
  for (const { atMs, beforeMs, afterMs } of requests.toSorted((a, b) => a.atMs - b.atMs)) {
    log = log.filter((hit) => hit > atMs - limit.windowMs);
    if (log.length >= trueLimit) continue;
    log.push(atMs);
    admitted.push({ sentAtMs: atMs - beforeMs, receivedAtMs: atMs + afterMs });
  }
  const exactness = createExactness(() => limit);
  return admitted
    .toSorted((a, b) => a.receivedAtMs - b.receivedAtMs)
    .filter((admission) => exactness.admitted("k", admission)).length;
}

const anyTraffic = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 10_000 }),
    beforeMs: fc.integer({ min: 0, max: 1_500 }),
    afterMs: fc.integer({ min: 0, max: 1_500 }),
  }),
  { maxLength: 200 },
);

function assertHolds<T>(property: fc.IProperty<T>): void {
  const seed = Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  fc.assert(property, { seed });
}

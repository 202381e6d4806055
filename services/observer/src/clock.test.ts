import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eventClock } from "./clock.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
console.log(`clock properties: SEED=${seed}`);

/** The clock read after each step: real time goes on by `onMs`, and somebody sets the wall clock by `setMs`. */
function readings(steps: { onMs: number; setMs: number }[]): { at: number[]; wall: number[] } {
  let [wall, monotonic] = [1_700_000_000_000, 5_000.5];
  const clock = eventClock(
    () => wall,
    () => monotonic,
  );
  const read = { at: [clock()], wall: [wall] };
  for (const { onMs, setMs } of steps) {
    monotonic += onMs;
    wall += onMs + setMs;
    read.at.push(clock());
    read.wall.push(wall);
  }
  return read;
}

test("follows the wall clock", () => {
  expect(
    readings([
      { onMs: 100, setMs: 0 },
      { onMs: 100, setMs: 0 },
    ]).at,
  ).toEqual([1_700_000_000_000, 1_700_000_000_100, 1_700_000_000_200]);
});

test("goes forward with it, as after a sleep of the machine", () => {
  expect(readings([{ onMs: 100, setMs: 60_000 }]).at[1]).toBe(1_700_000_060_100);
});

test("goes on at its own pace when it's set back", () => {
  const { at } = readings([
    { onMs: 100, setMs: -3_600_000 },
    { onMs: 1_000, setMs: 0 },
  ]);
  expect(at).toEqual([1_700_000_000_000, 1_700_000_000_100, 1_700_000_001_100]);
});

test("never goes back, and what took a second lasts a second at least", () => {
  const step = fc.record({ onMs: fc.nat(5_000), setMs: fc.integer({ min: -100_000, max: 100_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const { at, wall } = readings(steps);
      for (const [index, { onMs }] of steps.entries()) {
        expect((at[index + 1] ?? 0) - (at[index] ?? 0)).toBeGreaterThanOrEqual(onMs);
        expect(at[index + 1]).toBeGreaterThanOrEqual(wall[index + 1] ?? 0);
      }
    }),
    { seed },
  );
});

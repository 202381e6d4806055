import { expect, test } from "vitest";
import { heard, look, startListening } from "./listening.ts";

/** Looks every 250 ms from `fromMs` to `toMs`. */
function listen(from: ReturnType<typeof heard>, fromMs: number, toMs: number, canHear = true, beforeMs = 0) {
  let seen = { listening: from, silentMs: 0 };
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 250) seen = look(seen.listening, { nowMs, canHear, beforeMs });
  return seen;
}

test("silence counts from the newest snapshot, in whole seconds, from 2 s on", () => {
  expect(listen(heard(0), 250, 1_750).silentMs).toBe(0);
  expect(listen(heard(0), 250, 2_250).silentMs).toBe(2_000);
  expect(listen(heard(0), 250, 5_000).silentMs).toBe(5_000);
});

test("who can't hear hears no silence, and counts anew once it can", () => {
  const deaf = listen(heard(0), 250, 9_000, false);
  expect(deaf.silentMs).toBe(0);
  expect(listen(deaf.listening, 9_250, 13_000).silentMs).toBe(3_000);
});

test("who stood still itself hears no silence", () => {
  const before = listen(heard(0), 250, 1_000);
  const after = look(before.listening, { nowMs: 60_000, canHear: true, beforeMs: 0 });
  expect(after.silentMs).toBe(0);
  expect(listen(after.listening, 60_250, 62_000).silentMs).toBe(2_000);
});

test("who begins in a silence goes on counting where others stopped", () => {
  expect(listen(startListening(0), 250, 5_250, true, 10_000).silentMs).toBe(15_000);
});

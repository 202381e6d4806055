import { expect, test } from "vitest";
import { agoOf, clockOf, lengthOf, timeOf } from "./ages.ts";

const nowMs = Date.UTC(2026, 10, 21, 7, 41, 15, 120);
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

test.each([
  [0, "0 ms"],
  [-5, "0 ms"],
  [999, "999 ms"],
  [7_290, "7.2 s"],
  [9_999, "9.9 s"],
  [10 * second, "10 s"],
  [119 * second, "119 s"],
  [2 * minute, "2 min"],
  [119 * minute, "119 min"],
  [2 * hour, "2 h"],
  [47 * hour, "47 h"],
  [2 * day, "2 d"],
])("%i ms is %s", (ms, text) => {
  expect(lengthOf(ms)).toBe(text);
});

test.each([
  { why: "just now", atMs: nowMs, text: "0 ms ago (07:41:15.120Z)" },
  { why: "a moment ago", atMs: nowMs - 12_000, text: "12 s ago (07:41:03.120Z)" },
  { why: "yesterday needs its date", atMs: nowMs - 25 * hour, text: "25 h ago (2026-11-20 06:41:15Z)" },
  { why: "to come", atMs: nowMs + 12_000, text: "in 12 s (07:41:27.120Z)" },
  { why: "another clock that is a little ahead", atMs: nowMs + 40, text: "0 ms ago (07:41:15.160Z)" },
])("$why: $text", ({ atMs, text }) => {
  expect(timeOf(atMs, nowMs)).toBe(text);
});

test("a time that no calendar has is shown as the number it is", () => {
  expect(clockOf(Number.MAX_SAFE_INTEGER, nowMs)).toBe("9007199254740991 ms");
  expect(agoOf(Number.MAX_SAFE_INTEGER, nowMs)).toMatch(/^in \d+ d$/);
});

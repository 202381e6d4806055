import { expect, test } from "vitest";
import { durationBetween } from "./durations.ts";

const parse = durationBetween(1_000, 900_000);

test.for([
  ["1s", 1_000],
  ["1000ms", 1_000],
  ["90s", 90_000],
  ["15m", 900_000],
] as const)("%s is %d ms", ([text, ms]) => {
  expect(parse(text)).toBe(ms);
});

test.for(["", "15", "m", "0s", "999ms", "16m", "1h", "-1s", "1.5m", "15 m", "15M", "1e3s", "9999999999s", "1toString"])(
  '"%s" is refused, with what is wanted',
  (text) => {
    expect(() => parse(text)).toThrow("a length of time like 90s, 15m or 1h is wanted, from 1.0 s to 15 min");
  },
);

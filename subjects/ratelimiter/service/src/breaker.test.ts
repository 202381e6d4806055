import { expect, test } from "vitest";
import { afterFailure, afterSuccess, redisIsUnwell, unproven } from "./breaker.ts";

const connected = afterSuccess(unproven, 1_000, 0.4);

test("nothing is connected before a command has succeeded", () => {
  expect(unproven.connected).toBe(false);
  expect(afterFailure(unproven, "refused", 3).connected).toBe(false);
});

test("a failure is a hiccup, the third in a row opens the breaker", () => {
  const once = afterFailure(connected, "timeout", 3);
  const twice = afterFailure(once, "timeout", 3);
  const thrice = afterFailure(twice, "timeout", 3);
  expect([once, twice, thrice].map((breaker) => breaker.connected)).toEqual([true, true, false]);
  expect(thrice).toMatchObject({ reason: "timeout", lastSuccessAtMs: 1_000 });
});

test("a success between them starts the count again", () => {
  const almost = afterFailure(afterFailure(connected, "timeout", 3), "timeout", 3);
  expect(afterFailure(afterSuccess(almost, 2_000, 0.5), "timeout", 3).connected).toBe(true);
});

test("one success closes it", () => {
  const open = afterFailure(connected, "refused", 1);
  expect(open.connected).toBe(false);
  expect(afterSuccess(open, 3_000, 0.6)).toEqual({
    connected: true,
    failures: 0,
    lastSuccessAtMs: 3_000,
    roundTripMs: 0.6,
    reason: "",
  });
});

test.each([
  ["LOADING Redis is loading the dataset in memory", true],
  ["READONLY You can't write against a read only replica.", true],
  ["OOM command not allowed when used memory > 'maxmemory'.", true],
  ["NOAUTH Authentication required.", true],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", false],
  ["ERR user_script:12: attempt to index a nil value", false],
])("%s: is Redis unwell for everybody? %s", (reply, unwell) => {
  expect(redisIsUnwell(reply)).toBe(unwell);
});

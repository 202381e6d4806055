import { expect, test } from "vitest";
import { afterFailure, afterSuccess, unproven } from "./breaker.ts";
import { assessHealth } from "./health.ts";

const connected = afterSuccess(unproven, 10_000, 0.4);

test("ok while a command succeeded lately", () => {
  expect(assessHealth(connected, false, 2_000, 12_000)).toEqual({
    status: "ok",
    redis: "connected",
    silentMs: 2_000,
    roundTripMs: 0.4,
  });
});

test("degraded when none did, even if none failed", () => {
  expect(assessHealth(connected, false, 2_000, 12_001)).toMatchObject({
    status: "degraded",
    redis: "disconnected",
    reason: "no command has succeeded for 2001 ms, 2000 ms is the most",
  });
});

test("degraded while the breaker is open, with its reason", () => {
  const open = afterFailure(connected, "no answer from Redis within 100 ms", 1);
  expect(assessHealth(open, false, 2_000, 10_001)).toMatchObject({
    status: "degraded",
    reason: "no answer from Redis within 100 ms",
  });
});

test("degraded before the first success", () => {
  expect(assessHealth(unproven, false, 2_000, 1)).toMatchObject({ status: "degraded", silentMs: null });
});

test("draining says so", () => {
  expect(assessHealth(connected, true, 2_000, 10_001)).toMatchObject({ status: "draining", redis: "connected" });
});

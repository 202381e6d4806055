import { expect, test } from "vitest";
import { Silence, silenceOf } from "./silence.ts";

const silence = (given: Record<string, unknown> = {}) =>
  Silence.parse({ id: "00000001", subject: "s", target: "a", atMs: 0, untilMs: 100, by: "ada", reason: "r", ...given });
const about = { subject: "s", target: "a", invariant: "down" };

test.each([
  ["its target, whatever breaks", {}, 99, true],
  ["its target and invariant", { invariant: "down" }, 99, true],
  ["nothing once its time is over", {}, 100, false],
  ["no other invariant", { invariant: "slow" }, 0, false],
  ["no other target", { target: "b" }, 0, false],
  ["no other subject", { subject: "t" }, 0, false],
])("a silence holds for %s", (_, given, nowMs, holds) => {
  expect(silenceOf([silence(given)], about, nowMs) !== undefined).toBe(holds);
});

test("of several the one that lasts longest", () => {
  const silences = [silence(), silence({ id: "00000002", untilMs: 300 }), silence({ id: "00000003", untilMs: 200 })];
  expect(silenceOf(silences, about, 0)?.id).toBe("00000002");
});

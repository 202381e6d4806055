import type { Action } from "@operator/contracts/action";
import { expect, test } from "vitest";
import { actionLike } from "./action.fixture.ts";
import { whatSpeaksAgainst } from "./speaks-against.ts";

const nowMs = 10_000_000;
const action = actionLike({ state: "approved" });

/** Another action that was claimed so long ago. */
function other(agoMs: number, given: Parameters<typeof actionLike>[0] = {}): Action {
  const atMs = nowMs - agoMs;
  const claim = { by: "actuator-1", atMs, untilMs: atMs + 1_000 };
  return actionLike({ id: "ratelimiter.node_down.node-a.1.2.1", state: "verified", claim, ...given });
}
const at = (target: string) => ({ proposal: { ...action.proposal, target } });

test("a policy scales cool-downs", () => {
  const given = { actions: [other(50_000)], nowMs };
  const against = (coolDownScale: number) =>
    whatSpeaksAgainst(
      action,
      { coolDownMs: 10_000, takesOut: false },
      { ...given, policy: { perHourMax: 12, coolDownScale } },
    );
  expect(against(1)).toBeUndefined();
  expect(against(6)?.code).toBe("COOL_DOWN");
});

test.for<[string, string | undefined, Action[], { takesOut?: boolean; perHourMax?: number }]>([
  ["nothing was done before", undefined, [], {}],
  ["the same was begun within the cool-down", "COOL_DOWN", [other(59_999)], {}],
  ["the same was begun before the cool-down", undefined, [other(60_000)], {}],
  ["the same was tried within the cool-down, and failed", "COOL_DOWN", [other(1, { state: "failed" })], {}],
  ["the same was claimed and refused before it began", undefined, [other(1, { state: "refused" })], {}],
  ["the same was done to another target", undefined, [other(1, at("node-b"))], {}],
  ["the same was done in another subject", undefined, [other(1, { subject: "tikv" })], {}],
  [
    "another was approved and not begun",
    undefined,
    [actionLike({ id: "ratelimiter.node_down.node-a.1.2.1", state: "approved" })],
    {},
  ],
  ["it's this very action", undefined, [other(1, { id: action.id })], {}],
  [
    "as many were begun within the hour as the policy allows",
    "BUDGET_SPENT",
    [other(3_599_999, at("node-b"))],
    { perHourMax: 1 },
  ],
  ["they were begun before the hour", undefined, [other(3_600_000, at("node-b"))], { perHourMax: 1 }],
  [
    "another is claimed, and this one takes a member out",
    "BLAST_RADIUS",
    [other(1, { ...at("node-b"), state: "claimed" })],
    { takesOut: true },
  ],
  [
    "another is executed, and this one takes a member out",
    "BLAST_RADIUS",
    [other(1, { ...at("node-b"), state: "executed" })],
    { takesOut: true },
  ],
  [
    "nobody knows of another, and this one takes a member out",
    "BLAST_RADIUS",
    [other(1, { ...at("node-b"), state: "unknown" })],
    { takesOut: true },
  ],
  ["another is verified, and this one takes a member out", undefined, [other(1, at("node-b"))], { takesOut: true }],
  [
    "another isn't settled, and this one takes nothing out",
    undefined,
    [other(1, { ...at("node-b"), state: "executed" })],
    {},
  ],
])("%s", ([, code, actions, { takesOut = false, perHourMax = 12 }]) => {
  const against = whatSpeaksAgainst(
    action,
    { coolDownMs: 60_000, takesOut },
    { actions, policy: { perHourMax, coolDownScale: 1 }, nowMs },
  );
  expect(against?.code).toBe(code);
});

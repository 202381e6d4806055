import { Action, ActionState } from "@operator/contracts/action";
import { expect, test } from "vitest";
import { actionLike } from "./action.fixture.ts";
import { asOfStep, withStep } from "./steps.ts";

const arrows = [
  ...["approved", "refused", "rejected", "expired", "cancelled"].map((to) => `proposed → ${to}`),
  ...["claimed", "refused", "rejected", "expired", "cancelled"].map((to) => `approved → ${to}`),
  ...["executed", "refused", "unknown"].map((to) => `claimed → ${to}`),
  ...["executed", "failed"].map((to) => `unknown → ${to}`),
  ...["verified", "unverified"].map((to) => `executed → ${to}`),
  ...["undone", "failed"].map((to) => `unverified → ${to}`),
];

test("an action goes only where an arrow leads", () => {
  const states = ActionState.options;
  const made = states.flatMap((from) =>
    states.flatMap((to) => (withStep(actionLike({ state: from }), stepTo(to)) ? [`${from} → ${to}`] : [])),
  );
  expect(made.toSorted()).toEqual(arrows.toSorted());
});

test("a step is kept with all before it, and numbers its event", () => {
  const next = withStep(actionLike(), stepTo("approved"), { expiresAtMs: 7 });
  expect(next).toMatchObject({ state: "approved", revision: 2, expiresAtMs: 7, escalated: false });
  expect(next?.steps.map(({ state }) => state)).toEqual(["proposed", "approved"]);
  expect(Action.safeParse(next).success).toBe(true);
});

test.for(["failed", "unverified", "undone"] as const)("a person has to look at an action that is %s", (state) => {
  const from = { failed: "unknown", unverified: "executed", undone: "unverified" } as const;
  expect(withStep(actionLike({ state: from[state] }), stepTo(state))?.escalated).toBe(true);
});

test("the event of an earlier step tells the action as it was then", () => {
  const approved = withStep(actionLike(), stepTo("approved"));
  const claimed = approved && withStep(approved, stepTo("claimed"));
  if (!claimed) throw new Error("no arrow");
  expect(
    [1, 2, 3].map((n) => asOfStep(claimed, n)).map(({ state, revision, steps }) => [state, revision, steps.length]),
  ).toEqual([
    ["proposed", 1, 1],
    ["approved", 2, 2],
    ["claimed", 3, 3],
  ]);
});

function stepTo(state: ActionState) {
  return { state, atMs: 1, by: "actuator-1", text: "a test" };
}

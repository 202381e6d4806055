import type { Action } from "@operator/contracts/action";
import { expect, test } from "vitest";
import { actionLike } from "./action.fixture.ts";
import { isSettled } from "./settled.ts";

const nowMs = 1_000_000_000;
const hourMs = 3_600_000;
const undo = () => Promise.resolve("taken back");

function action(state: Action["state"], begunAgoMs?: number): Action {
  const claim =
    begunAgoMs === undefined ? {} : { claim: { by: "actuator-1", atMs: nowMs - begunAgoMs, untilMs: nowMs } };
  return actionLike({ state, ...claim });
}

test.for<[string, boolean, Action, { coolDownMs?: number; undo?: typeof undo; coolDownScale?: number }]>([
  ["is proposed", false, action("proposed"), {}],
  ["is approved", false, action("approved"), {}],
  ["is claimed, however long", false, action("claimed", 100 * hourMs), {}],
  ["nobody knows of, however long", false, action("unknown", 100 * hourMs), {}],
  ["waits for the checker's word", false, action("executed", 100 * hourMs), {}],
  ["is to be taken back, however long that has to wait", false, action("unverified", 100 * hourMs), { undo }],
  ["didn't help and can't be taken back", true, action("unverified", hourMs), {}],
  ["was refused before it was claimed", true, action("refused"), {}],
  ["was rejected", true, action("rejected"), {}],
  ["expired", true, action("expired"), {}],
  ["was cancelled", true, action("cancelled"), {}],
  ["was verified within the hour that the budget counts", false, action("verified", hourMs - 1), {}],
  ["was verified before that", true, action("verified", hourMs), {}],
  ["failed within the hour", false, action("failed", hourMs - 1), {}],
  ["was undone before the hour", true, action("undone", hourMs), {}],
  ["cools down still", false, action("verified", 2 * hourMs - 1), { coolDownMs: 2 * hourMs }],
  ["cools down still, as the policy scales it", false, action("verified", 2 * hourMs), { coolDownScale: 130 }],
  ["has cooled down", true, action("verified", 2 * hourMs), { coolDownMs: 2 * hourMs }],
  ["has an event that wasn't sent", false, { ...action("verified", 9 * hourMs), sent: 0 }, {}],
])("an action that %s is settled: %s", ([, expected, given, { coolDownMs = 60_000, coolDownScale = 1, ...more }]) => {
  expect(isSettled(given, { coolDownMs, ...more }, { policy: { coolDownScale }, nowMs })).toBe(expected);
});

test("what left the catalogue settles as all do", () => {
  const given = { policy: { coolDownScale: 1 }, nowMs };
  expect(isSettled(action("verified", hourMs - 1), undefined, given)).toBe(false);
  expect(isSettled(action("verified", hourMs), undefined, given)).toBe(true);
});

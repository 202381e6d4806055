import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import { atPointer } from "@operator/contracts/json";
import type { Program } from "@operator/stack/program";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Acting, type Person, realLimiter } from "./acting.fixture.ts";

let acting: Acting<Awaited<ReturnType<typeof realLimiter>>>;
let ada: Person;
let actuator: Program;
beforeAll(async () => {
  acting = await Acting.at(await realLimiter());
  ada = acting.person("ada");
  actuator = await acting.actuator();
  // Down all the while: no limit mends that.
  await acting.place.stack.member("node-a").kill();
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

/** Waits until the observer sees this limit stored for a key; null for none. */
async function seeStored(key: string, limit: number | null): Promise<void> {
  await acting.until(`${limit} is stored for ${key}`, async () => {
    const snapshot = (await acting.cli.last(flow.snapshot, "operator.snapshot.ratelimiter.full"))?.message;
    const stored = atPointer(snapshot, `/parts/counters/key-${key}/stored/limit`) ?? null;
    return stored === limit ? true : undefined;
  });
}

/** An approved action that stores a limit for a key that had none. */
async function approved(attempt: number, key: string): Promise<Action> {
  await seeStored(key, null);
  const proposal = { action: "update_limit", target: `key-${key}`, parameters: { key, limit: 30, windowMs: 10_000 } };
  const action = await acting.proposed(await acting.ticket("node-a"), proposal, attempt);
  await acting.say(ada, action);
  return action;
}

/** An action that stored a limit in vain. */
async function storedInVain(attempt: number, key: string): Promise<Action> {
  const action = await approved(attempt, key);
  const executed = await acting.action(action.id, "executed", "refused", "failed");
  expect(executed.steps.at(-1)).toMatchObject({ state: "executed" });
  await seeStored(key, 30);
  return executed;
}

async function timeIsOver({ id }: Action): Promise<void> {
  const actions = await (await acting.place.connect("actuator")).bucket("actions", Action);
  await actions.change(id, (now) => now && { ...now, verifyByMs: Date.now() - 1 });
}

test("what didn't help is taken back, and a person has to look", { timeout: 90_000 }, async () => {
  await acting.execute(ada);
  const action = await storedInVain(1, "load-0");
  await timeIsOver(action);
  const undone = await acting.action(action.id, "undone");
  expect(undone.steps.map(({ state }) => state).slice(-3)).toEqual(["executed", "unverified", "undone"]);
  expect(undone.escalated).toBe(true);
  await seeStored("load-0", null);
  await acting.settled();
});

test("after the kill switch nothing is taken back either, which is said", { timeout: 90_000 }, async () => {
  await acting.execute(ada);
  const action = await storedInVain(2, "load-1");
  await acting.killSwitch();
  await timeIsOver(action);
  const failed = await acting.action(action.id, "failed");
  expect(failed.steps.at(-1)).toMatchObject({ code: "UNDO_NOT_ALLOWED" });
  expect(failed.escalated).toBe(true);
  await acting.beats();
  await seeStored("load-1", 30);
});

test("killed after the effect, an actuator leaves what the undo needs", { timeout: 120_000 }, async () => {
  await actuator.stop();
  // The room's example has two keys, and both were changed lately.
  const policyFile = join(acting.place.folder, "policy.yaml");
  writeFileSync(policyFile, "coolDownScale: 0\n");
  const environment = { OPERATOR_POLICY_FILE: policyFile };
  const victim = await acting.actuator({ ...environment, OPERATOR_FAILPOINT: "after execute:update_limit#1" });
  await acting.execute(ada);
  const action = await approved(3, "load-0");
  await victim.exited;
  expect(victim.ending).toBe("SIGKILL");
  await seeStored("load-0", 30);
  await acting.actuator(environment);
  const executed = await acting.action(action.id, "executed", "failed");
  expect(executed.steps.at(-1)).toMatchObject({ state: "executed", code: "READ_BACK" });
  await timeIsOver(executed);
  expect((await acting.action(action.id, "undone", "failed")).steps.at(-1)).toMatchObject({ state: "undone" });
  await seeStored("load-0", null);
});

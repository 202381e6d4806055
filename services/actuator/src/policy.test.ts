import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Acting, type Person } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let ada: Person;
beforeEach(async () => {
  acting = await Acting.at(await Staged.start());
  ada = acting.person("ada");
});
afterEach(async () => await acting[Symbol.asyncDispose]());

/** An actuator with this policy, actions allowed to be executed. */
async function withPolicy(yaml: string): Promise<void> {
  const file = join(acting.place.folder, "policy.yaml");
  writeFileSync(file, yaml);
  await acting.actuator({ OPERATOR_POLICY_FILE: file });
}
const restart = (target: string) => ({ action: "restart_node", target, parameters: {} });
const auto = "subjects:\n  ratelimiter:\n    actions:\n      restart_node: auto\n      log_message: auto\n";

test("the policy approves by itself only what the playbook proposes too, and only while actions may be executed", async () => {
  await withPolicy(auto);
  const b = await acting.place.broken("node-b");
  const a = await acting.place.broken("node-a");
  // Grounded, and for a target that the topology names: only the playbook's word is missing.
  const other = await acting.proposed(a, restart("node-b"));
  const tool = await acting.proposed(a, { action: "log_message", target: "node-a", parameters: { text: "x" } }, 2);
  const same = await acting.proposed(b, restart("node-b"));
  await acting.beats();
  expect((await acting.actions.get(same.id))?.value.state, "the mode is observe").toBe("proposed");

  await acting.execute(ada);
  const executed = await acting.action(same.id, "executed");
  expect(executed.approval).toMatchObject({ by: "policy" });
  expect(executed.approval?.key).toBeUndefined();
  await acting.beats();
  for (const { id } of [other, tool]) expect((await acting.actions.get(id))?.value.state, id).toBe("proposed");
  expect(acting.place.startsOf("node-b")).toBe(1);
  expect(acting.place.startsOf("node-a")).toBe(0);
});

test("a forged diagnosis of a node that is up by the checker's own evidence isn't approved by the policy", async () => {
  await withPolicy(auto);
  await acting.execute(ada);
  const ticket = await acting.place.broken("node-a");
  // The ticket names another snapshot as its first bad one: what it shows is what counts, not what is said of it.
  const { lastGood } = ticket.violation;
  const changed = { ...ticket, violation: { ...ticket.violation, firstBad: lastGood } };
  await acting.place.change(ticket, changed);
  const action = await acting.proposed(changed, restart("node-a"));
  await acting.beats();
  expect((await acting.actions.get(action.id))?.value.state).toBe("proposed");
  expect(acting.place.startsOf("node-a")).toBe(0);
});

test("what the policy denies is refused, whoever wants it", async () => {
  await withPolicy("risks:\n  low: deny\n");
  await acting.execute(ada);
  const action = await acting.place.broken("node-a").then(async (ticket) => {
    await acting.diagnose(ticket, [restart("node-a")]);
    return await acting.action(`${ticket.id}.1.1`, "refused");
  });
  expect(action.steps.at(-1)).toMatchObject({ code: "POLICY_DENIED", text: "the policy denies it (risks.low)" });
  await acting.say(ada, action);
  await acting.beats();
  expect(acting.place.startsOf("node-a")).toBe(0);
});

test("no more actions are begun within an hour than the policy allows", async () => {
  await withPolicy("perHourMax: 1\n");
  await acting.execute(ada);
  const [a, b] = [await acting.place.broken("node-a"), await acting.place.broken("node-b")];
  const first = await acting.proposed(a, restart("node-a"));
  await acting.say(ada, first);
  await acting.action(first.id, "executed");
  const second = await acting.proposed(b, restart("node-b"));
  await acting.say(ada, second);
  expect((await acting.action(second.id, "refused")).steps.at(-1)?.code).toBe("BUDGET_SPENT");
  expect(acting.place.startsOf("node-b")).toBe(0);
});

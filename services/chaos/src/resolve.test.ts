import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab, phasesOf } from "./chaos.fixture.ts";

// Faults that look up who their target is when they're made: who has a role, what the loop calls it, what to give back.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.chaos();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const first = { subject: "example", fault: "kill_first", target: "first", ttlMs: 60_000 };
const names = { target: "member-a", asked: "first", observedAs: "seen-member-a" };

test("who has the role is touched, and every event names it, as it was asked for and as the loop calls it", async () => {
  await lab.say({ ...first, id: "dry", dryRun: true });
  expect((await lab.until("dry", "planned"))[0]).toMatchObject({
    ...names,
    text: expect.stringContaining("of member-a"),
  });
  await lab.say({ ...first, id: "role" });
  await lab.until("role", "proved");
  expect(await lab.stateOf("member-a")).toBe("stopped");

  // By then another one has the role: it's the same command, and the same fault.
  await lab.say({ ...first, id: "role" });
  // The member is under a fault, by whatever name it was asked for; and with it out, no second one may go.
  await lab.say({ ...first, fault: "mark_member", target: "member-a", id: "held" });
  expect((await lab.until("held", "refused"))[0]).toMatchObject({ code: "FAULT_RUNNING" });
  await lab.say({ ...first, id: "second" });
  expect((await lab.until("second", "refused"))[0]).toMatchObject({ code: "QUORUM" });

  await lab.say({ revert: "role" });
  const events = await lab.until("role", "reverted");
  expect(phasesOf(events)).toEqual(["injecting", "injected", "proved", "reverting", "reverted"]);
  for (const event of events) expect(event).toMatchObject(names);
  expect(await lab.stateOf("member-a")).toBe("running");
  expect(await lab.read(flow.dead, () => true)).toEqual([]);
});

test("what is known before the effect is in the journal before it, and is given back though the effect failed halfway", async () => {
  await lab.say({ subject: "example", fault: "note_member", target: "member-b", id: "noted", ttlMs: 60_000 });
  const events = await lab.until("noted", "reverted");
  expect(phasesOf(events)).toEqual(["injecting", "failed", "reverting", "reverted"]);
  expect(events[0]?.undo).toEqual({ before: "nothing" });
  expect(lab.isMarked("member-b")).toBe(false);
});

test("where nobody has the role it's refused in the fault's own words", async () => {
  const targets = ["member-a", "member-b", "member-c"];
  for (const target of targets) {
    const kill = { subject: "example", fault: "kill_member", target, ttlMs: 60_000, force: true };
    await lab.say({ ...kill, id: `out-${target}` });
    await lab.until(`out-${target}`, "proved");
  }
  await lab.say({ ...first, id: "nobody" });
  const [refused, ...others] = await lab.until("nobody", "refused");
  expect(others).toEqual([]);
  expect(refused).toMatchObject({
    code: "NOBODY_RUNS",
    target: "first",
    text: expect.stringContaining("none is the first"),
  });
});

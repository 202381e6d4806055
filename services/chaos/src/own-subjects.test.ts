import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab, phasesOf } from "./chaos.fixture.ts";

// An instance of chaos has its own subjects. Faults of others are in the same journal, and another instance's affair.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.chaos();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

/** What another instance says of a fault of a subject of its own, at a target that has a namesake here. */
function elsewhere(given: { phase: "injecting" | "failed"; atMs: number }): FaultEvent {
  const about = { id: "foreign", subject: "elsewhere", fault: "mark_member", target: "member-a", by: "ann" };
  return FaultEvent.parse({ ...about, parameters: {}, ttlMs: 60_000, text: "", ...given });
}

test("another subject's fault is neither ended here nor in the way of one's own", async () => {
  const chaos = await lab.as("chaos");
  // Due since long: of a subject of its own it would be taken back at once.
  await chaos.publish(flow.fault, elsewhere({ phase: "injecting", atMs: Date.now() - 600_000 }));
  await chaos.publish(flow.fault, elsewhere({ phase: "failed", atMs: Date.now() - 500_000 }));
  await lab.say({ subject: "example", fault: "mark_member", target: "member-a", id: "own", ttlMs: 1_000 });
  expect(phasesOf(await lab.until("own", "reverted"))).toContain("proved");
  const foreign = (await lab.read(flow.fault, () => true)).filter(({ id }) => id === "foreign");
  expect(phasesOf(foreign)).toEqual(["injecting", "failed"]);
  const log = readFileSync(join(lab.supervised.folder, "chaos-1.log"), "utf8");
  expect(log, "nor is it tried").not.toContain("trying again");
});

test("another subject's fault is refused, whatever its target's name", async () => {
  await lab.say({ subject: "elsewhere", fault: "mark_member", target: "member-a", id: "theirs" });
  expect((await lab.until("theirs", "refused"))[0]).toMatchObject({ code: "SUBJECT_UNKNOWN" });
  expect(lab.isMarked("member-a")).toBe(false);
});

test.for([
  ["none", undefined],
  ["an empty one", ""],
  ["one that there isn't", "ratelimiter,nowhere"],
])("chaos doesn't start with %s named as its subjects", ([, subjects]) => {
  const own = subjects === undefined ? {} : { OPERATOR_SUBJECTS: subjects };
  const env = { ...process.env, OPERATOR_SUPERVISOR_SOCKET: "/nowhere/chaos.sock", ...own };
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts")], { env });
  expect(status).toBe(78);
  expect(String(stderr)).toContain("OPERATOR_SUBJECTS");
});

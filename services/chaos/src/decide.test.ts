import { ChaosCommand, FaultEvent, HaltLever, leverAtFirst } from "@operator/contracts/chaos";
import type { Fault, Member } from "@operator/subject/fault";
import { describe, expect, test } from "vitest";
import { decide, type Situation } from "./decide.ts";
import { exampleFaults } from "./example-faults.fixture.ts";
import type { FaultRecord } from "./fault-record.ts";

const members = (states: Partial<Record<string, Member["state"]>> = {}): Member[] =>
  ["member-a", "member-b", "member-c"].map((target) => ({
    target,
    kind: "example",
    state: states[target] ?? "running",
  }));

const situation = (changed: Partial<Situation> = {}): Situation => ({
  catalogue: new Map<string, readonly Fault[]>([["example", exampleFaults]]),
  members: members(),
  open: [],
  lever: leverAtFirst,
  ...changed,
});

function asked(changed: Record<string, unknown> = {}) {
  const command = ChaosCommand.parse({ subject: "example", fault: "kill_member", target: "member-a", ...changed });
  if (!("fault" in command)) throw new Error("no command for a fault");
  return command;
}

function openFault(target: string, fault = "kill_member"): FaultRecord {
  const began = { id: "f-1", subject: "example", fault, target, phase: "injecting", atMs: 1, by: "ann" };
  return { began: FaultEvent.parse({ ...began, parameters: {}, ttlMs: 1_000, text: "" }), sequence: 1, since: {} };
}

const halted = HaltLever.parse({ ...leverAtFirst, halted: true, by: "ann", reason: "an incident" });

test.for<[string, Record<string, unknown>, Partial<Situation>, string, RegExp]>([
  ["chaos is halted", {}, { lever: halted }, "HALTED", /by ann \(an incident\).*"halt": false/],
  ["the subject isn't known", { subject: "exmple" }, {}, "SUBJECT_UNKNOWN", /"exmple" \(did you mean "example"\?\)/],
  [
    "the fault is mistyped",
    { fault: "kil_membr" },
    {},
    "FAULT_UNKNOWN",
    /"kil_membr" \(did you mean "kill_member"\?\)/,
  ],
  ["the fault isn't near any", { fault: "flood" }, {}, "FAULT_UNKNOWN", /"flood"; there are kill_member, pause_member/],
  ["the target is mistyped", { target: "member_a" }, {}, "TARGET_UNKNOWN", /"member_a" \(did you mean "member-a"\?\)/],
  ["nothing is labelled", {}, { members: [] }, "TARGET_UNKNOWN", /"member-a"; there is none/],
  ["it would last too long", { ttlMs: 60_001 }, {}, "BAD_TIME", /ttlMs is 60001.*60000 ms at most/],
  ["parameters for a fault that has none", { parameters: { x: 1 } }, {}, "BAD_PARAMETERS", /\{"x":1\}/],
  ["a bad parameter", { fault: "mark_member", parameters: { text: 1 } }, {}, "BAD_PARAMETERS", /\{"text":1\}.*string/s],
  [
    "the target has a fault",
    {},
    { open: [openFault("member-a", "mark_member")] },
    "FAULT_RUNNING",
    /"f-1" \(mark_member\)/,
  ],
  ["the target is stopped", {}, { members: members({ "member-a": "stopped" }) }, "NOT_RUNNING", /member-a is stopped/],
  ["another one is stopped", {}, { members: members({ "member-b": "stopped" }) }, "QUORUM", /1 of 3 .*"force": true/],
  ["another one is about to be", {}, { open: [openFault("member-b")] }, "QUORUM", /1 of 3/],
])("refused when %s", ([, command, changed, code, text]) => {
  const decision = decide(asked(command), situation(changed));
  expect(decision).toMatchObject({ kind: "refused", code });
  expect(decision.text).toMatch(text);
});

describe("granted", () => {
  test("with the fault's own time, and says what is going to be done", () => {
    expect(decide(asked(), situation())).toMatchObject({
      kind: "granted",
      ttlMs: 2_000,
      text: "A member is killed: kill_member of member-a for 2000 ms",
    });
  });

  test("with parameters as the fault's schema reads them", () => {
    const decision = decide(asked({ fault: "mark_member", ttlMs: 3_000 }), situation());
    expect(decision).toMatchObject({ kind: "granted", ttlMs: 3_000, parameters: { text: "wrong" } });
  });

  test("though it breaks the quorum when that is told, and says so", () => {
    const changed = { members: members({ "member-b": "stopped" }) };
    const decision = decide(asked({ force: true }), situation(changed));
    expect(decision).toMatchObject({ kind: "granted" });
    expect(decision.text).toContain("forced though");
  });

  test("never two faults on one target, even when told", () => {
    const decision = decide(asked({ force: true }), situation({ open: [openFault("member-a")] }));
    expect(decision).toMatchObject({ kind: "refused", code: "FAULT_RUNNING" });
  });
});

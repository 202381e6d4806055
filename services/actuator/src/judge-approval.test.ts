import { newKey, readPrivateKey } from "@operator/approval/keys";
import { sign } from "@operator/approval/sign";
import type { Action } from "@operator/contracts/action";
import { ActionStatement, ModeStatement } from "@operator/contracts/approval";
import { Control } from "@operator/contracts/control";
import { expect, test } from "vitest";
import type { z } from "zod";
import { actionLike } from "./action.fixture.ts";
import { judgeApproval } from "./judge-approval.ts";

const nowMs = 1_000_000;
const made = newKey();
const { privateKey } = readPrivateKey(made.privatePem);
const ada = { key: made.key, name: "ada", risks: ["low" as const], mode: true, publicKey: made.publicKey };
const times = { key: made.key, issuedAtMs: nowMs - 1, expiresAtMs: nowMs + 60_000 };
const mode = { purpose: "execute_mode", term: 7, ...times } as const;
const control = Control.parse({
  mode: "execute",
  term: 7,
  by: "ada",
  atMs: 1,
  reason: "a test",
  statement: sign(ModeStatement.parse(mode), privateKey),
  inFlight: {},
});
const action = actionLike();

type Statement = Partial<z.input<typeof ActionStatement>>;

function judge(given: Statement, world: { action?: Action | undefined; control?: Control } = {}) {
  const { id, subject, proposal, evidence } = action;
  const statement = ActionStatement.parse({
    purpose: "approve_action",
    action: id,
    subject,
    kind: proposal.action,
    target: proposal.target,
    parameters: proposal.parameters,
    evidence,
    term: 7,
    ...times,
    ...given,
  });
  const judged = judgeApproval(
    { action: id, subject, signed: sign(statement, privateKey) },
    "action" in world ? world.action : action,
    { control: world.control ?? control, approvers: [ada], nowMs },
  );
  return judged.ok ? "counts" : judged.code;
}

test("a word about exactly this action, now, counts", () => {
  expect(judge({})).toBe("counts");
});

test.for<[string, string, Statement]>([
  ["another action", "ACTION_MISMATCH", { action: "ratelimiter.node_down.node-a.1.1.2" }],
  ["another subject", "ACTION_MISMATCH", { subject: "tikv" }],
  ["another kind", "ACTION_MISMATCH", { kind: "drain_node" }],
  ["another target", "ACTION_MISMATCH", { target: "node-b" }],
  ["other parameters", "PARAMETERS_MISMATCH", { parameters: { hard: true } }],
  ["other evidence", "EVIDENCE_MISMATCH", { evidence: "0".repeat(64) }],
  ["an earlier term", "TERM_ENDED", { term: 6 }],
  ["a later term", "TERM_ENDED", { term: 8 }],
])("a word for %s doesn't count", ([, code, statement]) => {
  expect(judge(statement)).toBe(code);
});

test("nor for an action that there isn't, or of a higher risk", () => {
  expect(judge({}, { action: undefined })).toBe("ACTION_UNKNOWN");
  expect(judge({}, { action: actionLike({ risk: "medium" }) })).toBe("RISK_NOT_ALLOWED");
});

test("while nothing may be executed nobody approves, and anybody rejects or cancels, in any term and at any risk", () => {
  const { statement: _, ...unsigned } = control;
  const observe = { ...unsigned, mode: "observe" as const };
  expect(judge({}, { control: observe })).toBe("MODE_OBSERVE");
  expect(judge({}, { control: unsigned })).toBe("STATEMENT_MISSING");
  const world = { action: actionLike({ risk: "high" }), control: observe };
  expect(judge({ purpose: "reject_action", term: 1 }, world)).toBe("counts");
  expect(judge({ purpose: "cancel_action", term: 1 }, world)).toBe("counts");
});

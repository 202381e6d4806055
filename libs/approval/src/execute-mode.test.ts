import { ModeStatement } from "@operator/contracts/approval";
import { type Control, controlAtFirst } from "@operator/contracts/control";
import { expect, test } from "vitest";
import { executeMode } from "./execute-mode.ts";
import { type Approver, newKey, readPrivateKey } from "./keys.ts";
import { sign } from "./sign.ts";

const nowMs = 1_795_000_000_000;
const ada = newKey();
const { privateKey } = readPrivateKey(ada.privatePem);
const approver: Approver = { key: ada.key, name: "ada", risks: ["low"], mode: true, publicKey: ada.publicKey };
const statement = ModeStatement.parse({
  purpose: "execute_mode",
  term: 4,
  key: ada.key,
  issuedAtMs: nowMs,
  expiresAtMs: nowMs + 60_000,
});
const control: Control = { ...controlAtFirst, mode: "execute", term: 4, statement: sign(statement, privateKey) };
const codeOf = (given: Partial<Control>, approvers = [approver], atMs = nowMs) => {
  const mode = executeMode({ ...control, ...given }, approvers, atMs);
  return mode.ok ? "execute" : mode.code;
};

test("execute counts with a signed statement for this very term", () => {
  expect(executeMode(control, [approver], nowMs)).toEqual({ ok: true, approver, untilMs: nowMs + 60_000 });
});

test.for<[string, string, string]>([
  ["what nobody wrote yet", codeOf(controlAtFirst), "MODE_OBSERVE"],
  ["observe, though a valid statement stands beside it", codeOf({ mode: "observe" }), "MODE_OBSERVE"],
  ["execute that nobody signed", codeOf({ statement: undefined }), "STATEMENT_MISSING"],
  ["the statement of the term before", codeOf({ term: 5 }), "TERM_DIFFERS"],
  ["expired", codeOf({}, [approver], nowMs + 60_000), "STATEMENT_EXPIRED"],
  ["a key that isn't known", codeOf({}, []), "KEY_UNKNOWN"],
  ["one who may approve, but not change the mode", codeOf({}, [{ ...approver, mode: false }]), "MODE_NOT_ALLOWED"],
])("anything else is observe: %s", ([, code, expected]) => {
  expect(code).toBe(expected);
});

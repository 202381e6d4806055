import { ModeStatement } from "@operator/contracts/approval";
import type { Control } from "@operator/contracts/control";
import type { Approver } from "./keys.ts";
import { type Refused, verify } from "./sign.ts";

/** Whether actions may be executed, by whose word and until when; else why not. */
export type ExecuteMode =
  | { ok: true; approver: Approver; untilMs: number }
  | {
      ok: false;
      code: Refused["code"] | "MODE_OBSERVE" | "STATEMENT_MISSING" | "TERM_DIFFERS" | "MODE_NOT_ALLOWED";
      message: string;
    };

/** What `control` says counts only with a signed statement for this very term, of somebody who may change the mode. */
export function executeMode(control: Control, approvers: readonly Approver[], nowMs: number): ExecuteMode {
  if (control.mode !== "execute") return { ok: false, code: "MODE_OBSERVE", message: "the mode is observe" };
  if (control.statement === undefined) {
    return { ok: false, code: "STATEMENT_MISSING", message: "the mode says execute, and nobody signed it" };
  }
  const verified = verify(control.statement, ModeStatement, approvers, nowMs);
  if (!verified.ok) return { ok: false, ...verified.refused };
  const { statement, approver } = verified;
  if (statement.term !== control.term) {
    return {
      ok: false,
      code: "TERM_DIFFERS",
      message: `what was signed is for term ${statement.term}, and this is term ${control.term}`,
    };
  }
  if (!approver.mode) {
    return { ok: false, code: "MODE_NOT_ALLOWED", message: `${approver.name} may not change the mode` };
  }
  return { ok: true, approver, untilMs: statement.expiresAtMs };
}

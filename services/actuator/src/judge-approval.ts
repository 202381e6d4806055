import { canonical } from "@operator/approval/canonical";
import { executeMode } from "@operator/approval/execute-mode";
import type { Approver } from "@operator/approval/keys";
import { verify } from "@operator/approval/sign";
import type { Action } from "@operator/contracts/action";
import { ActionStatement, type Approval } from "@operator/contracts/approval";
import type { Control } from "@operator/contracts/control";

export type Judged =
  | { ok: true; statement: ActionStatement; approver: Approver }
  | { ok: false; code: string; message: string; by: string };

/** Does a signed word count for this action, as things are now? Pure; every way in which it doesn't has its code. */
export function judgeApproval(
  { signed, action: addressed }: Approval,
  action: Action | undefined,
  given: { control: Control; approvers: readonly Approver[]; nowMs: number },
): Judged {
  const { control, approvers, nowMs } = given;
  const verified = verify(signed, ActionStatement, approvers, nowMs);
  if (!verified.ok) return { ok: false, ...verified.refused, by: "unknown" };
  const { statement, approver } = verified;
  const refuse = (code: string, message: string): Judged => ({ ok: false, code, message, by: approver.name });
  if (statement.action !== addressed) {
    return refuse("ACTION_MISMATCH", `sent for ${addressed}, signed for ${statement.action}`);
  }
  if (!action) return refuse("ACTION_UNKNOWN", `there is no action ${statement.action}; see \`operator actions list\``);
  const { proposal } = action;
  if (
    statement.subject !== action.subject ||
    statement.kind !== proposal.action ||
    statement.target !== proposal.target
  ) {
    return refuse(
      "ACTION_MISMATCH",
      `signed for ${statement.kind} of ${statement.target} in ${statement.subject}, the action is ${proposal.action} of ${proposal.target} in ${action.subject}`,
    );
  }
  if (canonical(statement.parameters) !== canonical(proposal.parameters)) {
    return refuse(
      "PARAMETERS_MISMATCH",
      `signed for ${canonical(statement.parameters)}, the action has ${canonical(proposal.parameters)}`,
    );
  }
  if (statement.evidence !== action.evidence) {
    return refuse("EVIDENCE_MISMATCH", "signed for other evidence than the action rests on");
  }
  if (statement.purpose !== "approve_action") return { ok: true, statement, approver };
  if (!approver.risks.includes(action.risk)) {
    return refuse(
      "RISK_NOT_ALLOWED",
      `${approver.name} may approve ${approver.risks.join(", ")}; the risk is ${action.risk}`,
    );
  }
  const mode = executeMode(control, approvers, nowMs);
  if (!mode.ok) {
    return refuse(mode.code, `${mode.message}: an approval counts only while actions may be executed`);
  }
  if (statement.term !== control.term) {
    return refuse("TERM_ENDED", `signed for term ${statement.term}, this is term ${control.term}`);
  }
  return { ok: true, statement, approver };
}

import { decisionOf } from "@operator/approval/policy";
import { executeMode } from "@operator/approval/execute-mode";
import type { Action } from "@operator/contracts/action";
import { agrees } from "./agrees.ts";
import { type Desk, refuse, stepOf } from "./desk.ts";

/**
 * What the policy says of a proposal: refused, left to a person, or approved by itself, which only counts where the playbook,
 * run here on the checker's evidence, proposes the very same.
 */
export async function decideByPolicy(desk: Desk, action: Action): Promise<void> {
  const { subject, risk, proposal } = action;
  const { decision, rule } = decisionOf(desk.policy, { subject, risk, action: proposal.action });
  if (decision === "propose" || desk.disagreed.has(action.id)) return;
  if (decision === "deny") return await refuse(desk, action, "POLICY_DENIED", `the policy denies it (${rule})`);
  const control = await desk.control.read();
  if (!executeMode(control, desk.approvers(), Date.now()).ok) return;
  if (!(await agrees(desk, action))) {
    desk.disagreed.add(action.id);
    desk.context.log.info(
      { ticket: action.ticket, action: action.id },
      "left to a person: the playbook doesn't propose it",
    );
    return;
  }
  const atMs = Date.now();
  await desk.book.step(action.id, () => ({
    step: stepOf(desk, "approved", `the policy approves it (${rule}), and the playbook proposes the same`, {
      by: "policy",
    }),
    changes: { approval: { by: "policy", term: control.term, atMs } },
  }));
}

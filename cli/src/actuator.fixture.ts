import { createHash } from "node:crypto";
import type { Approver } from "@operator/approval/keys";
import { verify } from "@operator/approval/sign";
import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import { Action, type ActionNote } from "@operator/contracts/action";
import { ActionStatement } from "@operator/contracts/approval";
import { flow } from "@operator/contracts/flow";
import type { z } from "zod";

/** An action as the actuator stores it, with its event. */
export async function propose(actuator: Bus, given: Partial<z.input<typeof Action>> & { id: string }): Promise<Action> {
  const [subject = "", invariant = "", target = "", generation = "", attempt = ""] = given.id.split(".");
  const action = Action.parse({
    subject,
    ticket: [subject, invariant, target, generation].join("."),
    attempt: Number(attempt),
    proposal: { action: "restart_node", target, parameters: {}, why: "it crashed and nothing else starts it" },
    risk: "low",
    engine: { kind: "playbook", name: subject },
    evidence: "ab".repeat(32),
    state: "proposed",
    revision: 1,
    proposedAtMs: Date.now(),
    expiresAtMs: Date.now() + 900_000,
    escalated: false,
    steps: [{ state: "proposed", atMs: Date.now(), by: "actuator-1", text: "proposed by the playbook" }],
    sent: 0,
    ...given,
  });
  await store(actuator, action);
  return action;
}

/** The next step of an action: state first, then its event. */
export async function step(
  actuator: Bus,
  action: Action,
  state: Action["state"],
  given: Partial<Action["steps"][number]> = {},
): Promise<Action> {
  const next = Action.parse({
    ...action,
    state,
    revision: action.revision + 1,
    steps: [...action.steps, { state, atMs: Date.now(), by: "actuator-1", text: `it is ${state}`, ...given }],
  });
  await store(actuator, next);
  return next;
}

async function store(actuator: Bus, action: Action): Promise<void> {
  const bucket = await actuator.bucket("actions", Action);
  await bucket.change(action.id, () => action);
  await actuator.publish(flow.action, action);
}

/** Answers every approval as the actuator does: a note that says what became of this very statement. Ends with the signal. */
export async function answerApprovals(
  actuator: Bus,
  given: { approvers: () => readonly Approver[]; signal: AbortSignal; heard: (statement: ActionStatement) => void },
): Promise<void> {
  for await (const { received } of readInOrder(actuator, flow.approval, { from: "new", signal: given.signal })) {
    for (const { message } of received) {
      const { statement, signature } = message.signed;
      const verified = verify(message.signed, ActionStatement, given.approvers(), Date.now());
      if (verified.ok) given.heard(verified.statement);
      const note: ActionNote = {
        id: createHash("sha256").update(statement).digest("hex"),
        subject: message.subject,
        action: message.action,
        atMs: Date.now(),
        statement,
        signature,
        ...(verified.ok
          ? { kind: "approval_accepted", by: verified.approver.name, text: "it counts" }
          : { kind: "approval_refused", by: "unknown", code: verified.refused.code, text: verified.refused.message }),
      };
      await actuator.publish(flow.note, note);
    }
  }
}

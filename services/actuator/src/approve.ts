import { createHash } from "node:crypto";
import type { Received } from "@operator/bus/received";
import type { Action, ActionNote } from "@operator/contracts/action";
import type { Approval } from "@operator/contracts/approval";
import { flow } from "@operator/contracts/flow";
import { plainText } from "@operator/evidence/telemetry";
import { type Desk, stepOf } from "./desk.ts";
import { judgeApproval } from "./judge-approval.ts";

const stateOf = { approve_action: "approved", reject_action: "rejected", cancel_action: "cancelled" } as const;

/**
 * Takes a person's signed word about an action, and notes what came of it. The note is named by the statement and its place
 * in the stream: read again by any actuator it's the same note, while a replayed statement is another one, and refused.
 */
export async function takeApproval(desk: Desk, { message, sequence, storedAtMs }: Received<Approval>): Promise<void> {
  const { book, control } = desk;
  const hash = createHash("sha256").update(message.signed.statement).digest("hex");
  const noted = (kind: ActionNote["kind"], by: string, code: string | undefined, text: string): ActionNote => ({
    id: `${hash.slice(0, 32)}-${sequence}`,
    subject: message.subject,
    kind,
    atMs: storedAtMs,
    by: plainText(by, 100),
    action: message.action,
    ...(code === undefined ? {} : { code }),
    text: plainText(text, 1_000),
    statement: message.signed.statement,
    signature: message.signed.signature,
  });
  const say = (note: ActionNote) => desk.context.bus.publish(flow.note, note);

  const action = await book.get(message.action);
  const word = { statement: hash.slice(0, 32), sequence };
  const accepted = (by: string, { id, state }: Action) =>
    say(noted("approval_accepted", by, undefined, `${id} is ${state}`));
  const known = action?.words?.find(({ statement }) => statement === word.statement);
  if (action && known) {
    if (known.sequence === sequence) await accepted("a person", action);
    else await say(noted("approval_refused", "unknown", "STATEMENT_REPLAYED", "this statement was used before"));
    return;
  }
  const given = { control: await control.read(), approvers: desk.approvers(), nowMs: Date.now() };
  const judged = judgeApproval(message, action, given);
  if (!judged.ok) {
    await say(noted("approval_refused", judged.by, judged.code, judged.message));
    return;
  }
  const { statement, approver } = judged;
  const state = stateOf[statement.purpose];
  const text = `${state} by ${approver.name} with key ${approver.key}`;
  const made = await book.step(statement.action, (now) => ({
    step: stepOf(desk, state, text, { by: approver.name }),
    changes: {
      words: [...(now.words ?? []), word],
      ...(state === "approved" && {
        approval: { by: approver.name, key: approver.key, term: statement.term, atMs: storedAtMs },
        expiresAtMs: Math.min(now.expiresAtMs, statement.expiresAtMs),
      }),
    },
  }));
  const now = made ?? (await book.get(statement.action));
  if (now?.words?.some((each) => each.statement === word.statement && each.sequence === sequence)) {
    await accepted(approver.name, now);
    return;
  }
  const mismatch = `the action is ${now?.state ?? "gone"}, so it can't be ${state}`;
  await say(noted("approval_refused", approver.name, "STATE_MISMATCH", mismatch));
}

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
 * in the stream: read again by any actuator it's the same note, while a replayed statement is another one, and refused. So is
 * a word of which the refusal was kept: whoever is among the approvers since then says it anew.
 */
export async function takeApproval(desk: Desk, { message, sequence, storedAtMs }: Received<Approval>): Promise<void> {
  const { book, control, refusals } = desk;
  const hash = createHash("sha256").update(message.signed.statement).digest("hex").slice(0, 32);
  const id = `${hash}-${sequence}`;
  const say = async (kind: ActionNote["kind"], why: Pick<ActionNote, "by" | "code" | "text">) => {
    const { statement, signature } = message.signed;
    const about = { subject: message.subject, atMs: storedAtMs, action: message.action, statement, signature };
    await desk.context.bus.publish(flow.note, { id, kind, ...about, ...why });
  };
  const refuse = async (by: string, code: string, text: string) => {
    const refusal = { by: plainText(by, 100), code, text: plainText(text, 1_000) };
    await refusals.create(id, refusal);
    await say("approval_refused", refusal);
  };
  const accepted = (by: string, { id, state }: Action) => say("approval_accepted", { by, text: `${id} is ${state}` });

  const refused = await refusals.get(id);
  if (refused) return await say("approval_refused", refused.value);
  const action = await book.get(message.action);
  const word = { statement: hash, sequence };
  const known = action?.words?.find(({ statement }) => statement === word.statement);
  if (action && known) {
    if (known.sequence === sequence) await accepted("a person", action);
    else await refuse("unknown", "STATEMENT_REPLAYED", "this statement was used before");
    return;
  }
  const given = { control: await control.read(), approvers: desk.approvers(), nowMs: Date.now() };
  const judged = judgeApproval(message, action, given);
  if (!judged.ok) return await refuse(judged.by, judged.code, judged.message);
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
    return await accepted(approver.name, now);
  }
  await refuse(approver.name, "STATE_MISMATCH", `the action is ${now?.state ?? "gone"}, so it can't be ${state}`);
}

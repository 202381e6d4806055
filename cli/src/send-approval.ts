import type { KeyObject } from "node:crypto";
import { sign } from "@operator/approval/sign";
import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Action } from "@operator/contracts/action";
import { type ActionStatement, type Approval, type KeyId } from "@operator/contracts/approval";
import { flow } from "@operator/contracts/flow";
import { CliError } from "./cli-error.ts";
import { statementHash } from "./statement-hash.ts";
import { untilAnswer } from "./until-answer.ts";

/** What became of a signed word. The document of `actions approve|reject|cancel`. */
export interface Outcome {
  action: string;
  purpose: ActionStatement["purpose"];
  /** SHA-256 of the statement, by which the audit names it. */
  statement: string;
  key: KeyId;
  by: string;
  text: string;
  expiresAtMs: number;
  /** From sending to answer. */
  tookMs: number;
}

/** Signed is exactly this action, with these parameters and this evidence, in this term of the mode. */
export function statementOf(
  action: Action,
  purpose: ActionStatement["purpose"],
  given: { term: number; key: KeyId; nowMs: number; expiresMs: number },
): ActionStatement {
  const { id, subject, proposal, evidence } = action;
  return {
    purpose,
    action: id,
    subject,
    kind: proposal.action,
    target: proposal.target,
    parameters: proposal.parameters,
    evidence,
    term: given.term,
    key: given.key,
    issuedAtMs: given.nowMs,
    expiresAtMs: given.nowMs + given.expiresMs,
  };
}

/** Signs, sends, and waits for the actuator's note about this very statement: refused is an error with its code, silence too. */
export async function sendApproval(
  bus: Bus,
  statement: ActionStatement,
  privateKey: KeyObject,
  options: { waitMs: number; signal: AbortSignal },
): Promise<Outcome> {
  const { action, subject, purpose, key, expiresAtMs } = statement;
  const signed = sign(statement, privateKey);
  const approval: Approval = { action, subject, signed };
  const hash = statementHash(signed.statement);
  const started = performance.now();
  const { lastSequence } = await bus.streamState("ACTIONS", { signal: options.signal });
  await bus.publish(flow.approval, approval, { deadlineMs: options.waitMs, signal: options.signal });
  const note = await untilAnswer(options, async (signal) => {
    for await (const { received } of readInOrder(bus, flow.note, { from: { after: lastSequence }, signal })) {
      const found = received.find(({ message }) => message.statement === signed.statement);
      if (found) return found.message;
    }
    return undefined;
  });
  const about = { action, statement: hash };
  if (!note) {
    throw new CliError(
      "NO_ANSWER",
      `it's signed and sent, but no actuator answered within ${options.waitMs / 1000} s: is one running? It's queued, and counts until ${new Date(expiresAtMs).toISOString()}`,
      about,
    );
  }
  if (note.kind === "approval_refused") {
    throw new CliError("COMMAND_REFUSED", `refused: ${note.text}`, { code: note.code ?? "COMMAND_REFUSED", ...about });
  }
  const tookMs = Math.round(performance.now() - started);
  return { action, purpose, statement: hash, key, by: note.by, text: note.text, expiresAtMs, tookMs };
}

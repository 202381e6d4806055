import type { Answer, Cost, Diagnosis, Rejection } from "@operator/contracts/diagnosis";
import type { ClaudeRequest } from "@operator/evidence/claude-request";
import { readAnswer } from "@operator/evidence/model-answer";
import { plainText } from "@operator/evidence/telemetry";
import { validate } from "@operator/evidence/validate";
import type { Case } from "@operator/ground/case";
import { diagnosisOf, failed, type Result } from "../diagnose.ts";
import type { Asking } from "./ask.ts";
import { askForAnswer, investigate, type Reading } from "./investigate.ts";
import { repairText } from "./repair.ts";

/** The outcome of a job, or why the playbook has to answer and what was spent until then. */
export type Consulted = { kind: "result"; result: Result } | { kind: "playbook"; why: string; cost?: Cost };

/**
 * Has Claude diagnose a case: it may ask read tools, and gives one structured answer, held against the evidence; when code
 * refuses it, one round of repair with what was refused; then it's ungrounded.
 */
export async function consult(
  asking: Asking,
  start: Case,
  request: ClaudeRequest,
  reading: Reading,
): Promise<Consulted> {
  const { asked, theCase, conversation } = await investigate(asking, start, request, reading);
  if (asked.kind === "moot") return { kind: "result", result: failed("MOOT", asked.why) };
  if (asked.kind === "failed") return { kind: "result", result: failed(asked.code, asked.why) };
  if (asked.kind === "unusable") return byPlaybook(asking, asked.why);
  const first = check(theCase, asked.text);
  if (first.rejections.length === 0) return ended(asking, theCase, request.model, first);

  const again = await askForAnswer(asking, {
    ...conversation,
    messages: [
      ...conversation.messages,
      // With its thinking, byte for byte: the API holds the blocks against what it sent.
      { role: "assistant", content: asked.content },
      { role: "user", content: repairText(first.rejections) },
    ],
  });
  if (again.kind === "moot") return { kind: "result", result: failed("MOOT", again.why) };
  if (again.kind !== "answered")
    return ended(asking, theCase, request.model, first, `it couldn't be repaired: ${again.why}`);
  const second = check(theCase, again.text);
  // An answer outside the schema can't be kept; one that can't be verified can, for people to read.
  return ended(asking, theCase, request.model, second.answer ? second : { ...first, ...(first.answer ? {} : second) });
}

interface Checked {
  answer?: Answer;
  rejections: Rejection[];
}

function check(theCase: Case, text: string): Checked {
  const read = readAnswer(text);
  if ("rejections" in read) return read;
  const { answer } = read;
  return { answer, rejections: validate(diagnosisOf(theCase, { kind: "claude", name: "" }, answer), theCase.ground) };
}

function ended(
  { bill }: Asking,
  theCase: Case,
  model: string,
  { answer, rejections }: Checked,
  why?: string,
): Consulted {
  if (!answer) {
    const [rejection] = rejections;
    return byPlaybook({ bill }, `the model's answer was outside the schema: ${rejection?.path} ${rejection?.message}`);
  }
  const engine = { kind: "claude" as const, name: model, ...(why === undefined ? {} : { why: plainText(why, 300) }) };
  const diagnosis: Diagnosis = { ...diagnosisOf(theCase, engine, answer), ...(bill.cost && { cost: bill.cost }) };
  const result: Result =
    rejections.length === 0 ? { kind: "done", diagnosis } : { kind: "ungrounded", diagnosis, rejections };
  return { kind: "result", result };
}

function byPlaybook({ bill }: Pick<Asking, "bill">, why: string): Consulted {
  return { kind: "playbook", why, ...(bill.cost && { cost: bill.cost }) };
}

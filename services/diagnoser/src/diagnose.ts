import { Answer, type Cost, type Diagnosis, type DiagnosisEvent, type Engine } from "@operator/contracts/diagnosis";
import { frameworkPlaybook, frameworkPlaybookName, isFramework } from "@operator/evidence/framework-playbook";
import { plainText } from "@operator/evidence/telemetry";
import { validate } from "@operator/evidence/validate";
import type { Case } from "@operator/ground/case";
import type { Room } from "@operator/ground/room";
import { z } from "zod";

export type Result = Extract<DiagnosisEvent, { phase: "finished" }>["result"];

/** The playbook's answer to a case, held against the evidence as anyone else's would be. `why` it is the one to answer. */
export function byPlaybook(theCase: Case, room: Room, why: string, cost?: Cost): Result {
  const framework = isFramework(theCase.file.violation.invariant);
  let said: unknown;
  try {
    said = (framework ? frameworkPlaybook : room.playbook)(theCase.file);
  } catch (error) {
    // The same file gives the same failure: trying again can't help.
    return failed("PLAYBOOK_FAILED", String(error));
  }
  const answer = Answer.safeParse(said);
  if (!answer.success) return failed("ANSWER_MALFORMED", z.prettifyError(answer.error));
  const name = framework ? frameworkPlaybookName : room.playbookName;
  const engine = { kind: "playbook" as const, name, why: plainText(why, 300) };
  const diagnosis = { ...diagnosisOf(theCase, engine, answer.data), ...(cost && { cost }) };
  const rejections = validate(diagnosis, theCase.ground);
  return rejections.length === 0 ? { kind: "done", diagnosis } : { kind: "ungrounded", diagnosis, rejections };
}

/** An answer with the facts that it cites. Only those: the rest can be looked up in the same snapshots. */
export function diagnosisOf({ file }: Case, engine: Engine, answer: Answer): Diagnosis {
  const cited = new Set<string>(answer.evidence.map(({ id }) => id));
  const facts = [...file.facts, ...file.logs, ...file.reads]
    .filter(({ id }) => cited.has(id))
    .map(({ id, address, pointer, value, atMs }) => ({ id, address, pointer, value, atMs }));
  return { engine, answer, facts };
}

/** An end without an answer. */
export function failed(code: string, message: string): Result {
  return { kind: "failed", code, message: plainText(message, 500) };
}

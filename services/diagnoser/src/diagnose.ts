import { Answer, type Cost, type Diagnosis, type DiagnosisEvent, type Engine } from "@operator/contracts/diagnosis";
import type { Job } from "@operator/contracts/job";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import { buildCaseFile } from "@operator/evidence/case-file";
import { catalogueOf } from "@operator/evidence/catalogue";
import type { Kept } from "@operator/evidence/facts";
import { frameworkPlaybook, frameworkPlaybookName, isFramework } from "@operator/evidence/framework-playbook";
import { topologyOf } from "@operator/evidence/targets";
import { plainText } from "@operator/evidence/telemetry";
import { type Ground, validate } from "@operator/evidence/validate";
import type { Action } from "@operator/subject/action";
import type { CaseFile, Playbook, SimilarTicket, StateChange } from "@operator/subject/case-file";
import type { StateParts } from "@operator/subject/state";
import type { Topology, TopologyTarget } from "@operator/subject/topology";
import { z } from "zod";

export type Result = Extract<DiagnosisEvent, { phase: "finished" }>["result"];

/** What was read from the bus about a job. */
export interface Gathered {
  job: Job;
  ticket: Ticket;
  firstBad?: Kept | undefined;
  lastGood?: Kept | undefined;
  verdicts?: Verdicts | undefined;
  timeline: StateChange[];
  similar: SimilarTicket[];
  /** What couldn't be read, and why: a sentence each. */
  missing: string[];
}

/** What a room brings to a diagnosis. */
export interface Room {
  playbook: Playbook;
  playbookName: string;
  topology: Topology<never>;
  state: StateParts;
  actions: readonly Action<never>[];
}

/** What any engine is given of a job, and what its answer is held against. */
export interface Case {
  file: CaseFile;
  ground: Ground;
}

/** Puts together the case of a job. Pure, so that a job that comes again makes the same case. */
export function caseOf(gathered: Gathered, room: Room, at: { nowMs: number; secrets: readonly string[] }): Case {
  const { job, ticket, firstBad, lastGood } = gathered;
  const snapshots = [lastGood, firstBad].flatMap((kept) => (kept ? [kept.snapshot] : []));
  const { topology, missing } = readTopology(room, snapshots);
  const kept = new Map([firstBad, lastGood].flatMap((each) => (each ? [[each.address, each.snapshot]] : [])));
  return {
    file: buildCaseFile({ ...gathered, topology, missing: [...gathered.missing, ...missing], ...at }),
    ground: {
      subject: job.subject,
      ticket: job.ticket,
      violation: ticket.violation,
      targets: topology.map(({ name }) => name),
      ...catalogueOf(room.actions),
      lookup: (address) => kept.get(address),
      nowMs: at.nowMs,
    },
  };
}

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
  const facts = file.facts
    .filter(({ id }) => cited.has(id))
    .map(({ id, address, pointer, value, atMs }) => ({ id, address, pointer, value, atMs }));
  return { engine, answer, facts };
}

/** An end without an answer. */
export function failed(code: string, message: string): Result {
  return { kind: "failed", code, message: plainText(message, 500) };
}

/** A topology that fails on an odd state costs the neighbours, not the diagnosis. */
function readTopology(room: Room, snapshots: Snapshot[]): { topology: TopologyTarget[]; missing: string[] } {
  try {
    return { topology: topologyOf(room.topology, room.state, snapshots), missing: [] };
  } catch (error) {
    return {
      topology: [],
      missing: [`who depends on whom: the topology failed on these snapshots (${String(error)})`],
    };
  }
}

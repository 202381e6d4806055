import type { Job } from "@operator/contracts/job";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import { buildCaseFile } from "@operator/evidence/case-file";
import { catalogueOf } from "@operator/evidence/catalogue";
import { aboutOf } from "@operator/evidence/about";
import type { Document } from "@operator/evidence/documents";
import type { Kept } from "@operator/evidence/facts";
import type { KeptLogs } from "@operator/evidence/log-lines";
import { type KeptRead, readFactsOf } from "@operator/evidence/read-facts";
import { nearestFirst, topologyOf } from "@operator/evidence/targets";
import type { Ground } from "@operator/evidence/validate";
import type { CaseFile, RecentAction, SimilarTicket, StateChange } from "@operator/subject/case-file";
import type { TopologyTarget } from "@operator/subject/topology";
import type { Room } from "./room.ts";

/** What was read from the bus about a job. */
export interface Gathered {
  job: Job;
  ticket: Ticket;
  firstBad?: Kept | undefined;
  lastGood?: Kept | undefined;
  verdicts?: Verdicts | undefined;
  timeline: StateChange[];
  similar: SimilarTicket[];
  actions: RecentAction[];
  /** What the observer said of the logs nearby, once it was asked. */
  logs?: KeptLogs | undefined;
  /** What couldn't be read, and why: a sentence each. */
  missing: string[];
}

/** What any engine is given of a job, and what its answer is held against. */
export interface Case {
  file: CaseFile;
  ground: Ground;
}

/** Puts together the case of a job. Pure, so that a job that comes again makes the same case. */
export function caseOf(
  gathered: Gathered,
  room: Pick<Room, "topology" | "state" | "actions">,
  at: { nowMs: number; secrets: readonly string[] },
): Case {
  const { job, ticket, firstBad, lastGood } = gathered;
  const snapshots = [lastGood, firstBad].flatMap((kept) => (kept ? [kept.snapshot] : []));
  const { topology, missing } = readTopology(room, snapshots);
  const kept = new Map<string, Document>(
    [firstBad, lastGood].flatMap((each) => (each ? [[each.address, each.snapshot]] : [])),
  );
  if (gathered.logs) kept.set(gathered.logs.address, gathered.logs.document);
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

/** The case with what a read tool said as further facts, and the text of it for a model. */
export function withRead(
  theCase: Case,
  kept: KeptRead,
  told: { nonce: string; secrets: readonly string[] },
): { theCase: Case; text: string } {
  const { file, ground } = theCase;
  const after = file.facts.length + file.logs.length + file.reads.length;
  const { facts, text } = readFactsOf(kept, { after, ...told });
  const lookup: Ground["lookup"] = (address) => (address === kept.address ? kept.document : ground.lookup(address));
  // A busy model may have been waited for since the case was put together.
  const nowMs = Math.max(ground.nowMs, kept.document.readAtMs);
  return {
    theCase: { file: { ...file, reads: [...file.reads, ...facts] }, ground: { ...ground, lookup, nowMs } },
    text,
  };
}

/** Targets, nearest to what the ticket is about first. */
export function nearOf({ ticket, firstBad, lastGood }: Gathered, room: Pick<Room, "topology" | "state">): string[] {
  const snapshots = [lastGood, firstBad].flatMap((kept) => (kept ? [kept.snapshot] : []));
  return nearestFirst(aboutOf(ticket.violation), readTopology(room, snapshots).topology);
}

/** A topology that fails on an odd state costs the neighbours, not the diagnosis. */
function readTopology(
  room: Pick<Room, "topology" | "state">,
  snapshots: Snapshot[],
): { topology: TopologyTarget[]; missing: string[] } {
  try {
    return { topology: topologyOf(room.topology, room.state, snapshots), missing: [] };
  } catch (error) {
    return {
      topology: [],
      missing: [`who depends on whom: the topology failed on these snapshots (${String(error)})`],
    };
  }
}

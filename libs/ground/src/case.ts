import type { Job } from "@operator/contracts/job";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import { buildCaseFile } from "@operator/evidence/case-file";
import { catalogueOf } from "@operator/evidence/catalogue";
import type { Kept } from "@operator/evidence/facts";
import { topologyOf } from "@operator/evidence/targets";
import type { Ground } from "@operator/evidence/validate";
import type { CaseFile, SimilarTicket, StateChange } from "@operator/subject/case-file";
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

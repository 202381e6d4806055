import { loadRoom } from "@operator/subject/load";
import type { Invariant } from "@operator/subject/invariant";
import type { StateParts } from "@operator/subject/state";
import type { Explanation } from "@operator/subject/topology";
import { frameworkExplanations } from "@operator/subject/framework";

/** What the checker needs of a subject's room. The state's type is the room's own affair, so here it is `never`. */
export interface Room {
  invariants: readonly Invariant<never>[];
  /** The room's and the framework's. */
  explanations: readonly Explanation[];
  stateParts: StateParts;
  /** Multiplies graces, hold-downs and explanation times; never freshness. */
  graceScale: number;
}

/** Loads the files of a subject's room that the checker needs. */
export async function roomOf(subject: string, graceScale: number): Promise<Room> {
  const [{ invariants }, { topology }, { state }] = await Promise.all([
    loadRoom(subject, "invariants"),
    loadRoom(subject, "topology"),
    loadRoom(subject, "state"),
  ]);
  return {
    invariants,
    explanations: [...topology.explanations, ...frameworkExplanations],
    stateParts: state,
    graceScale,
  };
}

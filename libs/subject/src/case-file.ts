import type { Answer, CauseCategory } from "@operator/contracts/diagnosis";
import type { Fact } from "@operator/contracts/evidence";
import type { TicketId } from "@operator/contracts/ticket-id";
import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";
import type { TopologyTarget } from "./topology.ts";

/** A fact with the snapshot that it was taken from. */
export interface CaseFact extends Fact {
  snapshot: "last_good" | "first_bad";
}

/** All that a diagnosis rests on, gathered by code: what broke, last good against first bad, verdicts, topology, what happened before. */
export interface CaseFile {
  ticket: { id: TicketId; openedAtMs: number; attempt: number };
  violation: Violation;
  /** When the file was put together. */
  atMs: number;
  facts: CaseFact[];
  /** What differs between the last good snapshot and the first bad one, as pointers; `before` or `after` is absent where nothing stood. */
  changes: { pointer: string; before?: unknown; after?: unknown }[];
  /** The newest verdicts; empty when none came. */
  verdicts: VerdictLine[];
  /** Changes of state in the verdicts around the breach, oldest first. */
  timeline: { atMs: number; invariant: string; target: string; state: VerdictLine["state"] }[];
  topology: TopologyTarget[];
  /** The three most recent diagnosed tickets of the same invariant. */
  similar: {
    id: TicketId;
    openedAtMs: number;
    closedAtMs?: number;
    headline: string;
    cause?: { category: CauseCategory; target: string };
  }[];
}

/** A deterministic diagnosis from the case file: no model, no clock, no network. */
export type Playbook = (file: CaseFile) => Answer;

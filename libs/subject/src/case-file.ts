import type { Answer, CauseCategory } from "@operator/contracts/diagnosis";
import type { ActionState } from "@operator/contracts/action";
import type { Fact } from "@operator/contracts/evidence";
import type { Json } from "@operator/contracts/json";
import type { TargetName } from "@operator/contracts/names";
import type { TicketId } from "@operator/contracts/ticket-id";
import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";
import type { TopologyTarget } from "./topology.ts";

/** A fact with the snapshot that it was taken from. */
export interface CaseFact extends Fact {
  snapshot: "last_good" | "first_bad";
}

/** A line of a target's log as a fact, numbered behind those of the snapshots. Written by the subject: it may say anything. */
export interface CaseLogLine extends Fact {
  target: TargetName;
  value: string;
}

/** All that a diagnosis rests on, gathered by code: what broke, last good against first bad, verdicts, topology, what happened before. */
export interface CaseFile {
  ticket: { id: TicketId; openedAtMs: number; attempt: number };
  violation: Violation;
  /** When the file was put together. */
  atMs: number;
  /** Numbered, the ones nearest to the violation first. */
  facts: CaseFact[];
  /** Facts that the limit left out. */
  factsLeftOut: number;
  /** What differs between the last good snapshot and the first bad one, as pointers; `before` or `after` is absent where nothing stood. */
  changes: { pointer: string; before?: Json; after?: Json }[];
  /** The newest verdicts, and the time that they were said of; absent when none came. */
  verdicts?: { asOf: number; lines: VerdictLine[] };
  /** Changes of state in the verdicts around the breach, oldest first. */
  timeline: StateChange[];
  topology: TopologyTarget[];
  /** The three most recent diagnosed tickets of the same invariant. */
  similar: SimilarTicket[];
  /** The ends of the logs of the targets nearby, oldest line first. */
  logs: CaseLogLine[];
  /** What read tools said while the case was looked into, numbered behind the lines of logs; none at its start. */
  reads: Fact[];
  /** What was proposed or done to the subject within the last hour, as it stands, oldest first. */
  actions: RecentAction[];
  /** What belongs in the file and couldn't be had, and why: a sentence each. */
  missing: string[];
}

/** An invariant and target whose line in the verdicts came to another state. */
export interface StateChange {
  atMs: number;
  invariant: string;
  target: string;
  state: VerdictLine["state"];
}

/** What an earlier ticket of the same invariant was diagnosed as. */
export interface SimilarTicket {
  id: TicketId;
  openedAtMs: number;
  closedAtMs?: number;
  headline: string;
  cause?: { category: CauseCategory; target: string };
}

/** An action of the last hour. */
export interface RecentAction {
  ticket: TicketId;
  action: string;
  target: string;
  parameters: Record<string, Json>;
  state: ActionState;
  /** When it came to this state. */
  atMs: number;
}

/** A deterministic diagnosis from the case file: no model, no clock, no network. */
export type Playbook = (file: CaseFile) => Answer;

import type { Severity } from "@operator/contracts/names";
import type { Detail } from "@operator/contracts/violation";

/** What an invariant says of one target. `pointers` are JSON pointers into the snapshot, e.g. `/parts/probe/node-a/state`. */
export type Judgement =
  | { verdict: "ok"; reason: string; value?: number | string; pointers: string[] }
  | { verdict: "violated"; reason: string; value?: number | string; detail: Detail; pointers: string[] }
  | { verdict: "unknown"; reason: string };

/** A reading that a judgement rests on: when it isn't fresh, the verdict is unknown before `judge` is asked. */
export interface Need {
  source: string;
  target: string;
}

/**
 * Whether a reading that a judgement doesn't rest on, but would take into account, was read without an error and lately. What
 * isn't fresh is the last that was known: to take it for the present would clear, or fire, on a frozen picture.
 */
export type IsFresh = (source: string, target: string) => boolean;

/** Where everything was just read. */
export const allFresh: IsFresh = () => true;

/** A rule of a subject: pure, from state to verdicts. */
export interface Invariant<State> {
  name: string;
  /** A sentence that a person understands, e.g. "Every node answers". */
  title: string;
  severity: Severity;
  /** Broken for so long before it fires; 0 fires at once. */
  graceMs: number;
  /** From breach to firing at worst, grace included: what it explains must have a grace no shorter. */
  worstDetectionMs: number;
  /** The number that an SLO promises, for `status`. */
  limit?: number | string;
  unit?: string;
  /** Why these numbers. */
  why: string;
  /** The targets that the state names now. The checker remembers them: one that vanishes is unknown, not well. */
  targets: (state: State) => string[];
  needs: (target: string) => Need[];
  judge: (state: State, target: string, atMs: number, isFresh: IsFresh) => Judgement;
  /** Positive evidence that the target left on purpose: its violation is retired, the target forgotten. */
  left?: Departure<State>;
}

/**
 * Who can say that a target left. Asked only while what it needs is fresh: an old register proves nothing. Whether a source
 * that went blind about a target is news is asked of every rule and for targets of every kind: of one that isn't its own
 * `says` is false, or nobody would hear that it can't be seen.
 */
export interface Departure<State> {
  needs: (target: string) => Need[];
  says: (state: State, target: string) => boolean;
}

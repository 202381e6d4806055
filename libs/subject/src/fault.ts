import type { CauseCategory } from "@operator/contracts/diagnosis";
import type { Json } from "@operator/contracts/json";
import type { z } from "zod";

/** A member of a subject as the supervisor lists it. */
export interface Member {
  target: string;
  /** What kind of member, e.g. `node`. */
  kind: string;
  state: "running" | "paused" | "stopped";
  /** Networks by their names: those it's connected to, and those it was cut off. Absent where members have none of their own. */
  networks?: { connected: string[]; cut: string[] } | undefined;
}

/** What chaos lends to a fault that is made with the subject's own APIs. */
export interface FaultHands {
  /** The room's environment. */
  environment: Record<string, string | undefined>;
}

/** Who a target is now. */
export interface Resolved {
  /** The member, or other part of the subject, that is touched. */
  target: string;
  /** What the loop calls it, where that's another name and it's known. */
  observedAs?: string;
  /** What a revert needs to know, where that is known before the effect: it's in the journal by then. */
  undo?: Json;
}

/** Thrown by a fault's `resolve`: as things are it can't be made, and is refused with this code. */
export class FaultRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "FaultRefused";
    this.code = code;
  }
}

interface FaultBase {
  name: string;
  /** A sentence that a person understands, e.g. "A node is killed". */
  title: string;
  /** The root cause that a right diagnosis names, at the fault's target. */
  cause: CauseCategory;
  /** The members or other targets that it can be done to. */
  targets: (members: Member[]) => string[];
  /**
   * Looks up who a target is when the fault is made: who has a role (`pd-leader`), and what the loop calls it. It changes
   * nothing. Absent: the target is what is touched, and the loop calls it so.
   */
  resolve?: (target: string, members: Member[], hands: FaultHands, signal: AbortSignal) => Promise<Resolved>;
  /**
   * The invariant that tells of what the operator's remedy leaves behind once the fault is over, at the same target: a store
   * that was drained for its slow disk is to lead again. Absent: nothing is left.
   */
  leaves?: string;
  /** How long it lasts unless told, and at most. */
  ttlMs: { default: number; max: number };
  /** Why it would break the quorum, or take the last one; undefined when it doesn't. `force` overrides it. */
  breaks: (target: string, members: Member[]) => string | undefined;
}

/** Something that chaos can do to a subject. With a verb the supervisor does it and holds its end; else the room does. */
export type Fault =
  | (FaultBase & { by: "supervisor"; verb: "kill" | "pause" })
  | (FaultBase & {
      by: "supervisor";
      verb: "disconnect";
      /** Which of its networks the target is cut off. */ network: string;
    })
  | (FaultBase & {
      by: "api";
      parameters: z.ZodType<Json>;
      /** Makes the fault. `undo` is what `revert` needs; it's written to the journal before the effect when known, else after. */
      inject: (
        given: { target: string; parameters: Json; ttlMs: number },
        hands: FaultHands,
        signal: AbortSignal,
      ) => Promise<{ undo: Json }>;
      /** Takes it back; doing so twice does no harm. Absent: it expires by itself after its time to live. */
      revert?: (
        given: { target: string; parameters: Json; undo: Json },
        hands: FaultHands,
        signal: AbortSignal,
      ) => Promise<void>;
      /** What shows that it took effect, a sentence; undefined when nothing does (yet). */
      proof: (
        given: { target: string; parameters: Json },
        hands: FaultHands,
        signal: AbortSignal,
      ) => Promise<string | undefined>;
    });

import type { Json } from "@operator/contracts/json";
import type { z } from "zod";
import type { Need } from "./invariant.ts";

/** How much harm an action may do when the diagnosis is wrong. Approvers and policy are given risks. */
export type Risk = "low" | "medium" | "high";

/** What an action is about: fresh state, and what the proposal says. */
export interface ActionGiven<State, Parameters> {
  state: State;
  target: string;
  parameters: Parameters;
}

/** How an action puts on record what an undo needs to know. */
export interface Keeping {
  /** Resolves when it's written down. Throws when it can't be, or when it's no longer for this actuator to begin. */
  keep: (before: Json) => Promise<void>;
}

/** What the actuator lends to an action. */
export interface ActionHands {
  /** The room's environment, with which its write APIs are found. */
  environment: Record<string, string | undefined>;
  /** Starts a member that isn't running, through the supervisor. Throws when it can't. */
  start: (target: string, signal: AbortSignal) => Promise<void>;
}

/** Why an action isn't to be done as things are now. */
export interface ActionRefusal {
  code: string;
  message: string;
}

/** Thrown by an `execute` that is certain to have done nothing: the action is refused with this code. */
export class NotDone extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "NotDone";
    this.code = code;
  }
}

/**
 * Something that can be done to a subject. All but `execute` and `undo` are pure; both end when their signal fires. The
 * parameters were parsed by their schema.
 */
export interface Action<State, Parameters = never> {
  name: string;
  /** A sentence that a person understands, e.g. "Start a node that isn't running". */
  title: string;
  /** What it does, for whom it is right and what it risks: read by people and by the model. */
  about: string;
  /** A flat object, every property required: a model leaves free-form records empty. */
  parameters: z.ZodType;
  risk: Risk;
  /** The targets that it can be about, as the state names them. */
  targets: (state: State) => string[];
  /** It has to have taken effect by then, or it failed. */
  executeWithinMs: number;
  /** The violation has to be cleared so long after the effect, or the action is unverified. */
  verifyWithinMs: number;
  /** The same action isn't done to the same target again within this time. */
  coolDownMs: number;
  /** Does it put a member out of service for a while? Then it isn't done while another one is. */
  takesOut: boolean;
  /** What the guard reads. While one of them wasn't read lately nothing is begun, and it's asked again until the action expires. */
  needs: (target: string) => Need[];
  /** Why it isn't to be done now; undefined when nothing speaks against it. */
  guard: (given: ActionGiven<State, Parameters>) => ActionRefusal | undefined;
  /** Did it take effect? Asked when who claimed it died. Undefined: this state can't tell. */
  isDone: (given: ActionGiven<State, Parameters>) => boolean | undefined;
  /**
   * Resolves with what was done, a sentence. What an undo needs to know is given to `keep` before anything is changed, so
   * that it's there whoever dies or loses an answer then. After a throw other than `NotDone` it's read back whether it took
   * effect.
   */
  execute: (
    given: ActionGiven<State, Parameters> & Keeping,
    hands: ActionHands,
    signal: AbortSignal,
  ) => Promise<{ effect: string }>;
  /**
   * Takes it back, when it didn't help: `before` is what `execute` kept. Resolves with what was done. Done twice it does no
   * harm: who did it first may have died before it could say so.
   */
  undo?: (
    given: { target: string; parameters: Parameters; before: Json | undefined },
    hands: ActionHands,
    signal: AbortSignal,
  ) => Promise<string>;
}

/** Keeps an action's types together; a room's catalogue is a list of these. */
export function defineAction<State, Schema extends z.ZodType>(
  action: Action<State, z.infer<Schema>> & { parameters: Schema },
): Action<State> {
  return action;
}

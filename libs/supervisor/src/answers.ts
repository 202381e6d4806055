import { FaultId } from "@operator/contracts/chaos";
import { TimeMs } from "@operator/contracts/names";
import { z } from "zod";

/** The verbs that make a fault. */
export const FaultVerb = z.enum(["kill", "pause", "disconnect"]);
export type FaultVerb = z.infer<typeof FaultVerb>;

/**
 * What ended a fault: its time, who reverted it, a verb that undid it early, the supervisor's close, a verb that failed, or
 * that the member is there no more.
 */
const EndedBy = z.enum(["time", "revert", "start", "unpause", "connect", "close", "failure", "gone"]);
export type EndedBy = z.infer<typeof EndedBy>;

/** A member as `GET /members` lists it. */
export const MemberStatus = z.object({
  target: z.string(),
  kind: z.string(),
  state: z.enum(["running", "paused", "stopped"]),
  /** By their names; absent where members have no networks of their own. */
  networks: z.object({ connected: z.array(z.string()), cut: z.array(z.string()) }).optional(),
  /** The fault that holds it. */
  fault: z
    .object({
      id: FaultId,
      verb: FaultVerb,
      /** From which it's cut off by a disconnect. */
      network: z.string().optional(),
      endsAtMs: TimeMs,
      /** Why it couldn't be reverted the last time that was tried; it's tried again. */
      revertError: z.string().optional(),
    })
    .optional(),
});
export type MemberStatus = z.infer<typeof MemberStatus>;

export const MembersAnswer = z.object({ members: z.array(MemberStatus) });

/** A fault, running until it has `ended`. */
export const FaultStatus = z.object({
  id: FaultId,
  target: z.string(),
  verb: FaultVerb,
  /** From which a disconnect cuts the target off; other verbs have none. */
  network: z.string().optional(),
  beganAtMs: TimeMs,
  endsAtMs: TimeMs,
  ended: z.object({ atMs: TimeMs, by: EndedBy }).optional(),
});
export type FaultStatus = z.infer<typeof FaultStatus>;

/** The answer to kill, pause, disconnect and revert. `already`: the same was done before, and nothing now. */
export const FaultAnswer = z.object({ already: z.boolean(), fault: FaultStatus });
export type FaultAnswer = z.infer<typeof FaultAnswer>;

/** The answer to unpause, stop, start and connect. `already`: it was so, and nothing was done. */
export const VerbAnswer = z.object({ already: z.boolean() });
export type VerbAnswer = z.infer<typeof VerbAnswer>;

export const RefusedAnswer = z.object({ refused: z.object({ code: z.string(), message: z.string() }) });

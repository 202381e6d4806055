import { z } from "zod";
import { ActionId } from "./action-id.ts";
import { Signed } from "./approval.ts";
import { InstanceName, SubjectName, TimeMs } from "./names.ts";

/** The one key of the bucket `control`. */
export const controlKey = "control";

/** An action that was claimed and isn't settled: it may be taking effect now. */
export const InFlight = z.object({ action: ActionId, by: InstanceName, claimedAtMs: TimeMs, untilMs: TimeMs });
export type InFlight = z.infer<typeof InFlight>;

/**
 * Whether actions may be executed. `execute` counts only with a valid, unexpired statement for this very term; anything
 * else is `observe`. Each change of the mode begins a new term, so that nothing approved before it is claimed after it.
 */
export const Control = z.object({
  mode: z.enum(["observe", "execute"]),
  term: z.int().nonnegative(),
  /** The person or key that changed the mode last, when and why. */
  by: z.string().max(100),
  atMs: TimeMs,
  reason: z.string().max(500),
  statement: Signed.optional(),
  /** At most one action of a subject at a time. */
  inFlight: z.record(SubjectName, InFlight),
});
export type Control = z.infer<typeof Control>;

/** What holds while nobody has written anything. */
export const controlAtFirst: Control = {
  mode: "observe",
  term: 0,
  by: "nobody",
  atMs: 0,
  reason: "nothing was written yet",
  inFlight: {},
};

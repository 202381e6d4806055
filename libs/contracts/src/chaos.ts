import { z } from "zod";
import { Json } from "./json.ts";
import { SubjectName, TargetName, TimeMs } from "./names.ts";

const FaultName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/);

/** A fault's id: drawn by who asks for it, or made of the message's sequence. */
export const FaultId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/)
  .brand<"FaultId">();
export type FaultId = z.infer<typeof FaultId>;

/** What is asked of chaos. Plain JSON is enough: `nats pub operator.chaos.commands '{"subject":…,"fault":…,"target":…}'`. */
export const ChaosCommand = z.union([
  z.strictObject({
    subject: SubjectName,
    fault: FaultName,
    target: TargetName,
    id: FaultId.optional(),
    /** How long it lasts; the fault's own default when absent. */
    ttlMs: z.int().min(1_000).max(600_000).optional(),
    parameters: z.record(z.string(), Json).optional(),
    /** Says what would be done, and does nothing. */
    dryRun: z.boolean().optional(),
    /** Does it though it breaks the quorum. */
    force: z.boolean().optional(),
    /** Who asks, as they name themselves. */
    by: z.string().max(100).optional(),
  }),
  z.strictObject({ revert: FaultId, by: z.string().max(100).optional() }),
  /** Reverts all that is running and refuses new faults, until it's lifted. */
  z.strictObject({ halt: z.boolean(), by: z.string().max(100).optional(), reason: z.string().max(500).optional() }),
]);
export type ChaosCommand = z.infer<typeof ChaosCommand>;

/** What became of a fault: the ground truth against which detection is measured. The loop can't read it. */
export const FaultEvent = z.object({
  id: FaultId,
  subject: SubjectName,
  fault: FaultName,
  /** What was touched. */
  target: TargetName,
  /** What the command named, where that was a role, e.g. `pd-leader`: `target` is who had it. */
  asked: TargetName.optional(),
  /** What the loop calls the target, where it has another name for it: what chaos kills as `tikv-1` the loop sees as `store-4`. */
  observedAs: TargetName.optional(),
  phase: z.enum(["planned", "refused", "injecting", "injected", "proved", "reverting", "reverted", "failed"]),
  atMs: TimeMs,
  by: z.string().max(100),
  parameters: z.record(z.string(), Json),
  ttlMs: z.int().nonnegative(),
  endsAtMs: TimeMs.optional(),
  /** What a revert needs to know. */
  undo: Json.optional(),
  code: z.string().max(100).optional(),
  text: z.string().max(1000),
});
export type FaultEvent = z.infer<typeof FaultEvent>;

/** The one key of the bucket `chaos`. */
export const leverKey = "lever";

/** Whether chaos is halted, by the newest word on it: `atMs` is when the bus stored that, `sequence` where in its stream. */
export const HaltLever = z.object({
  halted: z.boolean(),
  by: z.string().max(100),
  reason: z.string().max(500),
  atMs: TimeMs,
  sequence: z.int().nonnegative(),
});
export type HaltLever = z.infer<typeof HaltLever>;

/** What holds while nobody has said anything. */
export const leverAtFirst: HaltLever = { halted: false, by: "nobody", reason: "", atMs: 0, sequence: 0 };

import { z } from "zod";
import { InvariantName, Severity, SourceName, SubjectName, TargetName, TimeMs } from "./names.ts";
import { ViolationKey } from "./violation.ts";

/** What an invariant says of a target in one snapshot. `unknown` clears nothing. */
export const Verdict = z.enum(["ok", "violated", "unknown"]);
export type Verdict = z.infer<typeof Verdict>;

/** One line of `operator status`: verdict, value against limit, since when, what it waits for, how fresh its sources are. */
export const VerdictLine = z.object({
  invariant: InvariantName,
  target: TargetName,
  severity: Severity,
  verdict: Verdict,
  /** `pending`: broken within its grace. `clearing`: ok again, not yet for long enough. */
  state: z.enum(["ok", "unknown", "pending", "firing", "blind", "clearing"]),
  /** When the present state began. */
  sinceMs: TimeMs,
  reason: z.string().max(500),
  value: z.union([z.number(), z.string()]).optional(),
  limit: z.union([z.number(), z.string()]).optional(),
  unit: z.string().optional(),
  graceLeftMs: z.int().nonnegative().optional(),
  explainedBy: z.array(ViolationKey),
  sources: z.array(
    z.object({
      source: SourceName,
      target: TargetName,
      fresh: z.boolean(),
      readAtMs: TimeMs.optional(),
      error: z.string().max(500).optional(),
    }),
  ),
});
export type VerdictLine = z.infer<typeof VerdictLine>;

/** Every invariant and target of a subject, once a second. */
export const Verdicts = z.object({
  subject: SubjectName,
  asOf: TimeMs,
  /** The snapshot judged; absent before the first. */
  snapshot: z.object({ epoch: z.int().positive(), n: z.int().positive() }).optional(),
  /** No snapshot has come for so long; all verdicts are unknown. */
  silentMs: z.int().positive().optional(),
  /** Snapshots that were gone from the stream before they were read. */
  gap: z.object({ fromSequence: z.int(), toSequence: z.int() }).optional(),
  lines: z.array(VerdictLine),
});
export type Verdicts = z.infer<typeof Verdicts>;

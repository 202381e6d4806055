import { z } from "zod";
import { InvariantName, Severity, SourceName, SubjectName, TargetName, TimeMs } from "./names.ts";
import { toToken } from "./tokens.ts";

/** `<subject>.<invariant>.<target>` as tokens: the lasting identity of what a violation is about. */
export const ViolationKey = z.string().max(600).brand<"ViolationKey">();
export type ViolationKey = z.infer<typeof ViolationKey>;

export function violationKeyOf(about: { subject: string; invariant: string; target: string }): ViolationKey {
  return ViolationKey.parse([about.subject, about.invariant, about.target].map(toToken).join("."));
}

/** What is wrong, in a form that can't be half-filled. */
export const Detail = z.discriminatedUnion("kind", [
  /** A member doesn't answer: its port refuses, or it says nothing. */
  z.object({ kind: z.literal("unreachable"), how: z.enum(["refused", "silent"]), silentMs: z.int().nonnegative() }),
  z.object({ kind: z.literal("threshold"), value: z.number(), limit: z.number(), unit: z.string() }),
  z.object({ kind: z.literal("state"), value: z.string(), expected: z.string() }),
  /** A source can't see: `about` is the target that it lost. */
  z.object({ kind: z.literal("blind"), source: SourceName, about: TargetName, code: z.string() }),
  z.object({ kind: z.literal("silent_service"), service: z.string(), silentMs: z.int().nonnegative() }),
]);
export type Detail = z.infer<typeof Detail>;

/** A snapshot kept in EVIDENCE, and the JSON pointers in it that matter. */
export const EvidenceReference = z.object({ address: z.string(), atMs: TimeMs, pointers: z.array(z.string()) });
export type EvidenceReference = z.infer<typeof EvidenceReference>;

export const ViolationState = z.enum(["firing", "blind", "cleared", "retired"]);
export type ViolationState = z.infer<typeof ViolationState>;

/** The lasting state of an invariant and target. Whole in each message, sent on change and every 5 s while not cleared. */
export const Violation = z.object({
  subject: SubjectName,
  invariant: InvariantName,
  target: TargetName,
  state: ViolationState,
  severity: Severity,
  /** Event time of the snapshot (or silence) that this is said of. */
  asOf: TimeMs,
  /** First snapshot of this episode in which the invariant was broken; tells episodes apart. */
  sinceMs: TimeMs,
  /** When the present state began. */
  changedAtMs: TimeMs,
  /** Snapshots of this episode in which it was broken. */
  occurrences: z.int().positive(),
  summary: z.string().max(500),
  detail: Detail,
  /** Firing violations that this one is a symptom of: it opens no ticket of its own. */
  explainedBy: z.array(ViolationKey),
  /** Something that isn't firing yet could explain it: a job waits 2 s. */
  mayBeExplained: z.boolean(),
  /** Episodes within the last 10 minutes before this one. */
  comebacks: z.int().nonnegative(),
  firstBad: EvidenceReference.optional(),
  lastGood: EvidenceReference.optional(),
});
export type Violation = z.infer<typeof Violation>;

import { z } from "zod";
import { Diagnosis, Rejection } from "./diagnosis.ts";
import { InstanceName, InvariantName, Severity, SubjectName, TargetName, TimeMs } from "./names.ts";
import { TicketId } from "./ticket-id.ts";
import { Violation } from "./violation.ts";

/** Every transition and every word of a person. */
export const HistoryEntry = z.object({
  /** Computed, so that a repeat folds into itself: `firing:<sinceMs>:<ms>`, `attempt:1:finished`, `command:<uuid>`, … */
  id: z.string(),
  atMs: TimeMs,
  /** Event time of what this was learnt from. Several messages tell of one transition: the earliest one's words stay. */
  asOf: TimeMs.optional(),
  kind: z.enum([
    "opened",
    "blind",
    "seen_again",
    /** The checker counts a new episode though nobody saw the old one clear: it lost its memory, or its word was lost. */
    "begun_again",
    "cleared",
    "retired",
    "closed",
    "explained",
    "queued",
    "started",
    /** For a busy model. */
    "waiting",
    "diagnosed",
    "ungrounded",
    "failed",
    "acknowledged",
    "held",
    "unheld",
    "commented",
    "resolved",
    "refused",
    "escalated",
    /** An action about it came to another state. */
    "action",
  ]),
  by: z.string(),
  text: z.string().max(2000),
  /** The command that this is the outcome of. */
  command: z.uuid().optional(),
  /** Why a command was refused. */
  code: z.string().optional(),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;

/** One try at diagnosing: queued by the ticketer, carried out by a diagnoser. */
export const Attempt = z.object({
  attempt: z.int().min(1).max(3),
  status: z.enum(["queued", "running", "waiting", "done", "ungrounded", "failed"]),
  why: z.string(),
  /** The job is not sent before this time: what may explain the violation gets its chance to show. */
  notBeforeMs: TimeMs,
  queuedAtMs: TimeMs,
  startedAtMs: TimeMs.optional(),
  /** It had to wait for a busy model, which it asks until then at most. */
  waiting: z.object({ sinceMs: TimeMs, untilMs: TimeMs, why: z.string() }).optional(),
  endedAtMs: TimeMs.optional(),
  by: InstanceName.optional(),
  diagnosis: Diagnosis.optional(),
  rejections: z.array(Rejection).optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type Attempt = z.infer<typeof Attempt>;

/** One case: a violation, its history, its diagnoses. A fold over what was said; the ticketer is its only writer. */
export const Ticket = z.object({
  id: TicketId,
  subject: SubjectName,
  invariant: InvariantName,
  target: TargetName,
  generation: z.int().positive(),
  /** The last word on the generation before; what was said as of then or earlier is not about this one. Absent in the first. */
  afterMs: TimeMs.optional(),
  /** Grows with each change that somebody should hear of; names the ticket's event. */
  revision: z.int().positive(),
  /** Why this revision came to be, e.g. `first-seen`, `cleared`; all since the last event that was sent. */
  reasons: z.array(z.string()).min(1),
  status: z.enum(["open", "closed"]),
  severity: Severity,
  openedAtMs: TimeMs,
  closedAtMs: TimeMs.optional(),
  /** `observation` when fresh observations proved it, else the person who forced it. */
  closedBy: z.string().optional(),
  /** The newest word of the checker; its first bad and last good snapshot are the earliest that were named. */
  violation: Violation,
  /** The largest count that the checker sent. */
  occurrences: z.int().positive(),
  diagnosis: z.enum(["none", "queued", "running", "waiting", "done", "ungrounded", "failed"]),
  attempts: z.array(Attempt).max(3),
  held: z.boolean(),
  acknowledgedBy: z.string().optional(),
  escalated: z.boolean(),
  history: z.array(HistoryEntry).max(300),
  /** Entries that the limit on the history dropped from its middle. */
  historyDropped: z.int().nonnegative(),
  /** What was sent of what this state implies: the event of a revision, the job of an attempt. */
  sent: z.object({ revision: z.int().nonnegative(), attempt: z.int().nonnegative() }),
});
export type Ticket = z.infer<typeof Ticket>;

import { z } from "zod";
import { EvidenceId, Fact } from "./evidence.ts";
import { Json } from "./json.ts";
import { InstanceName, SubjectName, TargetName, TimeMs } from "./names.ts";
import { TicketId } from "./ticket-id.ts";

/** The closed list of root causes. `none`: nothing is broken. `unknown`: the evidence doesn't say. */
export const CauseCategory = z.enum([
  "crashed",
  "hung",
  "unreachable",
  "overloaded",
  "misconfigured",
  "diverged",
  "observation",
  "none",
  "unknown",
]);
export type CauseCategory = z.infer<typeof CauseCategory>;

const Cause = z.object({ category: CauseCategory, target: TargetName });

/** What a diagnosis says. The playbook and Claude answer in this one schema; every claim cites facts by id. */
export const Answer = z.object({
  verdict: z.enum(["fault", "no_fault", "unknown"]),
  headline: z.string().min(1).max(300),
  rootCauses: z.array(Cause.extend({ mechanism: z.string().max(1000), evidence: z.array(EvidenceId) })).max(5),
  confidence: z.number().min(0).max(1),
  timeline: z.array(z.object({ atMs: TimeMs, what: z.string().max(300), evidence: z.array(EvidenceId) })).max(50),
  /** The facts cited, each quoted with its value, and what it shows. */
  evidence: z.array(z.object({ id: EvidenceId, quote: z.string().max(500), shows: z.string().max(500) })).max(100),
  alternatives: z
    .array(
      z.object({
        cause: Cause,
        whyRejected: z.string().max(1000),
        for: z.array(EvidenceId),
        against: z.array(EvidenceId),
      }),
    )
    .max(10),
  options: z
    .array(
      z.object({
        title: z.string().max(200),
        steps: z.array(z.string().max(500)).max(20),
        risk: z.enum(["none", "low", "medium", "high"]),
        riskWhy: z.string().max(500),
        recommended: z.boolean(),
        why: z.string().max(500),
      }),
    )
    .max(10),
  /** Actions of the subject's catalogue. */
  proposals: z
    .array(
      z.object({
        action: z.string(),
        target: TargetName,
        parameters: z.record(z.string(), Json),
        why: z.string().max(500),
      }),
    )
    .max(5),
  verify: z.array(z.string().max(500)).max(20),
  missing: z.array(z.string().max(500)).max(20),
});
export type Answer = z.infer<typeof Answer>;

/** Who answered. The playbook says that it did. */
export const Engine = z.object({
  kind: z.enum(["playbook", "claude"]),
  name: z.string(),
  why: z.string().max(300).optional(),
});
export type Engine = z.infer<typeof Engine>;

/** Why the validator refused something in an answer. */
export const Rejection = z.object({ code: z.string(), path: z.string(), message: z.string().max(500) });
export type Rejection = z.infer<typeof Rejection>;

/** What asking a model cost, over all calls of an attempt, also when its answer couldn't be used. US dollars. */
export const Cost = z.object({
  usd: z.number().nonnegative(),
  /** Read from the cache or written to it included. */
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  calls: z.int().positive(),
  /** A call ended before it said what it used, so it's counted as the most that it can have used. */
  upperBound: z.literal(true).optional(),
});
export type Cost = z.infer<typeof Cost>;

/** cause, evidence, alternatives, confidence, proposed actions: an answer with the facts it cites. */
export const Diagnosis = z.object({
  engine: Engine,
  answer: Answer,
  facts: z.array(Fact).max(200),
  /** Absent: no model was asked. */
  cost: Cost.optional(),
});
export type Diagnosis = z.infer<typeof Diagnosis>;

const about = { subject: SubjectName, ticket: TicketId, attempt: z.int().positive(), by: InstanceName, atMs: TimeMs };

/** What became of attempt n at a ticket. One message per phase and attempt; the first one stored counts. */
export const DiagnosisEvent = z.discriminatedUnion("phase", [
  z.object({ phase: z.literal("started"), ...about }),
  /** The model is busy: the diagnoser keeps the job and asks again, until then at most. Between started and finished, if at all. */
  z.object({ phase: z.literal("waiting"), ...about, untilMs: TimeMs, why: z.string().max(300) }),
  z.object({
    phase: z.literal("finished"),
    ...about,
    result: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("done"), diagnosis: Diagnosis }),
      /** The answer cites what can't be verified: kept for reading, can't propose. */
      z.object({ kind: z.literal("ungrounded"), diagnosis: Diagnosis, rejections: z.array(Rejection).min(1) }),
      /** No answer, and why. */
      z.object({ kind: z.literal("failed"), code: z.string(), message: z.string().max(500) }),
    ]),
  }),
]);
export type DiagnosisEvent = z.infer<typeof DiagnosisEvent>;

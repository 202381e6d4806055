import { z } from "zod";

const word = /^[a-z][a-z0-9_]*$/;

/** An observed system, e.g. `ratelimiter`. Never a NATS subject. */
export const SubjectName = z.string().max(64).regex(word).brand<"SubjectName">();
export type SubjectName = z.infer<typeof SubjectName>;

/** Where facts come from, e.g. `probe`, `registry`, `metrics`. */
export const SourceName = z.string().max(64).regex(word).brand<"SourceName">();
export type SourceName = z.infer<typeof SourceName>;

/** A rule that must hold, e.g. `node_down`. */
export const InvariantName = z.string().max(64).regex(word).brand<"InvariantName">();
export type InvariantName = z.infer<typeof InvariantName>;

/** The part of a subject that something is about, e.g. `node-a`, `redis`, `cluster`. Any printable text; tokens escape it. */
export const TargetName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u)
  .brand<"TargetName">();
export type TargetName = z.infer<typeof TargetName>;

/** A running instance of a service, e.g. `checker-1f3a`. */
export const InstanceName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/)
  .brand<"InstanceName">();
export type InstanceName = z.infer<typeof InstanceName>;

/** How bad a broken invariant is; `critical` is diagnosed first. */
export const Severity = z.enum(["critical", "warning"]);
export type Severity = z.infer<typeof Severity>;

/** Milliseconds since the epoch, UTC. */
export const TimeMs = z.int().nonnegative();

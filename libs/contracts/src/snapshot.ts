import { z } from "zod";
import { Json } from "./json.ts";
import { SourceName, SubjectName, TargetName, TimeMs } from "./names.ts";

/** What a source knows of one target: when it last read it, and why it can't now. */
export const TargetReport = z.object({
  /** When the reading in the snapshot's part was taken; absent when there never was one. */
  readAtMs: TimeMs.optional(),
  /** The failure of the latest attempt; absent when it succeeded. */
  error: z.object({ code: z.string(), message: z.string().max(500), sinceMs: TimeMs }).optional(),
});
export type TargetReport = z.infer<typeof TargetReport>;

/** How one source is doing: its rhythm, and each target that it is to read. */
export const SourceReport = z.object({
  rhythmMs: z.int().positive(),
  targets: z.record(TargetName, TargetReport),
});
export type SourceReport = z.infer<typeof SourceReport>;

/** The whole observed state of one subject at one moment, with a report per source. */
export const Snapshot = z.object({
  subject: SubjectName,
  /** The revision that created the observer's lease: a later observer has a larger one. */
  epoch: z.int().positive(),
  /** Counts the snapshots of an epoch from 1. */
  n: z.int().positive(),
  /** Event time: strictly increasing within an epoch. */
  atMs: TimeMs,
  /** Sent by the clock, or at once because a probe changed its mind. */
  cause: z.enum(["rhythm", "change"]),
  sources: z.record(SourceName, SourceReport),
  /** source → target → reading, as the room's `state.ts` describes it. Readings stay after a failure; the report says how old they are. */
  parts: z.record(SourceName, z.record(TargetName, Json)),
});
export type Snapshot = z.infer<typeof Snapshot>;

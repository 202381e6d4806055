import { InvariantName, SourceName, SubjectName, TargetName, TimeMs } from "@operator/contracts/names";
import { Detail } from "@operator/contracts/violation";
import { z } from "zod";
import { Track } from "./track.ts";

/** An episode that ended: explains its symptoms a while longer, and counts against the target if it comes back. */
export const Ended = z.object({
  invariant: InvariantName,
  target: TargetName,
  detail: Detail,
  endedAtMs: TimeMs,
  how: z.enum(["cleared", "retired"]),
});
export type Ended = z.infer<typeof Ended>;

/**
 * What the checker has to know of the past to judge the next snapshot. Small: what isn't plainly ok, and the targets
 * that it knows. Saved in KV `checks` under the subject.
 */
export const Memory = z.object({
  version: z.literal(1),
  subject: SubjectName,
  /** When the first checker of this subject began: what dates a silence before the first snapshot. */
  startedAtMs: TimeMs,
  /** Sequence of the newest snapshot that was judged, or that reading begins after. */
  sequence: z.int().nonnegative(),
  epoch: z.int().nonnegative(),
  n: z.int().nonnegative(),
  /** The newest snapshot: its own date, and the event time that it was given here. */
  last: z.object({ sequence: z.int().nonnegative(), atMs: TimeMs, nowMs: TimeMs }).optional(),
  /** Event time: never goes back, even when a new observer's clock is behind the old one's. */
  nowMs: TimeMs,
  /** Silences, 5 s each, applied since the newest snapshot. */
  silences: z.int().nonnegative(),
  /** Silences that a checker's clock claimed, ever: two memories that differ here saw different pasts. */
  claimed: z.int().nonnegative(),
  /** When the newest verdicts were due, in event time. */
  verdictsAtMs: TimeMs,
  /** Snapshots lost before they were read. `seenAtMs`: the first snapshot after them. */
  gap: z.object({ fromSequence: z.int(), toSequence: z.int(), seenAtMs: TimeMs.optional() }).optional(),
  /** `<invariant>/<target>` → since when it is plainly ok, or was first seen. */
  known: z.record(z.string(), TimeMs),
  /** What each source is known to read: one that vanishes from the reports is lost, not well. */
  reads: z.array(z.object({ source: SourceName, about: TargetName })),
  tracks: z.array(Track),
  /** Of the last 10 minutes. */
  ended: z.array(Ended),
});
export type Memory = z.infer<typeof Memory>;

/** The memory of a checker that has seen nothing yet and reads what comes after `sequence`. */
export function freshMemory(about: { subject: SubjectName; startedAtMs: number; sequence: number }): Memory {
  return {
    version: 1,
    ...about,
    epoch: 0,
    n: 0,
    nowMs: 0,
    silences: 0,
    claimed: 0,
    verdictsAtMs: 0,
    known: {},
    reads: [],
    tracks: [],
    ended: [],
  };
}

/** The key of a target in `known`. Holds a `/`, so that no target's name can be one of Object's own. */
export function keyOf(about: { invariant: string; target: string }): string {
  return `${about.invariant}/${about.target}`;
}

/** How far a memory has come, compared with another: by what the observer counted, so that a stream made anew can't mislead. */
export function progressOf(one: Memory, other: Memory): "less" | "equal" | "more" {
  const differences = [one.epoch - other.epoch, one.n - other.n, one.silences - other.silences];
  const first = differences.find((difference) => difference !== 0) ?? 0;
  return first < 0 ? "less" : first > 0 ? "more" : "equal";
}

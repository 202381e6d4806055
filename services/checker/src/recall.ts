import type { Snapshot } from "@operator/contracts/snapshot";
import type { Memory } from "./memory.ts";

/**
 * The few snapshots that may be cited, whole, by sequence. In the process only: they're large, and the stream has them.
 * The memory says which they are, so that a checker that begins can read them again.
 */
export type Recall = ReadonlyMap<number, Snapshot>;

export const nothing: Recall = new Map();

const snapshotsMax = 32;

/** Messages of the stream that a start reads again at most; what lies further back is missing from the evidence. */
const sequencesMax = 1_000;

/** What of all that is at hand may still be cited: the newest 32. */
export function retain(recall: Recall, memory: Memory, sequence: number, snapshot: Snapshot): Recall {
  const held = new Map([...recall, [sequence, snapshot] as const]);
  const wanted = citable(memory)
    .filter((one) => held.has(one))
    .slice(-snapshotsMax);
  return new Map([...held].filter(([one]) => wanted.includes(one)));
}

/** The sequence after which a checker with this memory reads, so that it can cite what it may have to. */
export function readAfter(memory: Memory): number {
  const earliest = Math.max(memory.sequence - sequencesMax, 1);
  const [first = memory.sequence + 1] = citable(memory).filter((sequence) => sequence >= earliest);
  return Math.min(first - 1, memory.sequence);
}

/** Newest last: the last snapshot, where what isn't ok was last seen well, where what is pending first broke. */
function citable(memory: Memory): number[] {
  const marks = memory.tracks.flatMap((track) => {
    if (track.state === "unknown") return [track.lastGood];
    return track.state === "pending" ? [track.lastGood, track.breach.firstBad] : [];
  });
  const sequences = [memory.last, ...marks].flatMap((mark) => (mark ? [mark.sequence] : []));
  return [...new Set(sequences)].sort((a, b) => a - b);
}

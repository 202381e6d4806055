import { endsAtMsOf, type FaultRecord } from "./fault-record.ts";

/** Looking up who a target is is given up after so long. */
export const resolveWithinMs = 3_000;
/** An injection is given up after so long. */
export const injectWithinMs = 3_000;
/** A revert is given up, and tried again, after so long: the supervisor starts a killed member and waits until it's ready. */
export const revertWithinMs = 30_000;
/** Whoever began and said nothing for so long is dead: well after it would have given up. */
export const abandonedAfterMs = 5_000;
/** A fault that shows no effect within this time after its injection has none. */
export const proveWithinMs = 5_000;

/** What is to be done about an open fault now. */
export type Due =
  /** It may still be under injection by an instance that is alive. */
  | { kind: "wait" }
  /** Look whether it took effect, or is over by itself. */
  | { kind: "look" }
  /** Say that it failed, and take it back. */
  | { kind: "fail"; code: string; text: string }
  /** Say that it's being taken back. */
  | { kind: "end"; by: string; text: string }
  | { kind: "revert" };

/**
 * The next step of a fault, from the journal alone: any instance takes it, and one that died leaves nothing undone.
 * `endIsHeld`: the supervisor ends it, or it expires by itself, so that nobody need revert it when its time is over.
 */
export function dueOf(
  record: FaultRecord,
  now: { atMs: number; haltedBy: string | undefined; endIsHeld: boolean },
): Due {
  const { began, since } = record;
  if (!since.injected && !since.failed) {
    if (now.atMs < began.atMs + abandonedAfterMs) return { kind: "wait" };
    const text = `nobody said within ${abandonedAfterMs} ms that it was injected: who began it has died`;
    return { kind: "fail", code: "INTERRUPTED", text };
  }
  if (since.reverting) return { kind: "revert" };
  if (since.failed) return { kind: "end", by: began.by, text: `it failed (${since.failed.code})` };
  if (now.haltedBy !== undefined) return { kind: "end", by: now.haltedBy, text: "chaos was halted" };
  const isOver = now.atMs >= endsAtMsOf(record);
  if (isOver && !now.endIsHeld) return { kind: "end", by: began.by, text: "its time is over" };
  const provedByMs = (since.injected?.atMs ?? began.atMs) + proveWithinMs;
  if (!since.proved && !isOver && now.atMs >= provedByMs) {
    const text = `nothing showed within ${proveWithinMs} ms that it took effect`;
    return { kind: "fail", code: "NO_EFFECT", text };
  }
  return { kind: "look" };
}

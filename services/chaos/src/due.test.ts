import { FaultEvent } from "@operator/contracts/chaos";
import { expect, test } from "vitest";
import { abandonedAfterMs, dueOf, proveWithinMs } from "./due.ts";
import type { FaultRecord, Phase } from "./fault-record.ts";

const beganAtMs = 1_000_000;
const ttlMs = 30_000;

/** A fault with these phases, each so many ms after it began. */
function record(phases: Partial<Record<Phase, number>>): FaultRecord {
  const about = { id: "f-1", subject: "example", fault: "mark_member", target: "member-a", by: "ann" };
  const event = (phase: Phase, afterMs: number) => {
    const atMs = beganAtMs + afterMs;
    return FaultEvent.parse({ ...about, phase, atMs, endsAtMs: atMs + ttlMs, parameters: {}, ttlMs, text: "" });
  };
  const since: Partial<Record<Phase, FaultEvent>> = {};
  if (phases.injected !== undefined) since.injected = event("injected", phases.injected);
  if (phases.proved !== undefined) since.proved = event("proved", phases.proved);
  if (phases.failed !== undefined) since.failed = event("failed", phases.failed);
  if (phases.reverting !== undefined) since.reverting = event("reverting", phases.reverting);
  return { began: event("injecting", 0), sequence: 1, since };
}

const injected = { injected: 10 };
const proved = { injected: 10, proved: 20 };

test.for<[string, Partial<Record<Phase, number>>, number, string, { haltedBy?: string; endIsHeld?: boolean }?]>([
  ["who began it may still be at it", {}, abandonedAfterMs - 1, "wait"],
  ["nobody said that it was injected", {}, abandonedAfterMs, "fail INTERRUPTED"],
  ["a revert waits until it's known whether it was injected", { reverting: 5 }, 100, "wait"],
  ["and comes when it is", { injected: 10, reverting: 5 }, 100, "revert"],
  ["so does a halt", {}, 100, "wait", { haltedBy: "ann" }],
  ["a halt ends what was injected", proved, 100, "end ann", { haltedBy: "ann" }],
  ["its effect isn't proved yet", injected, 100, "look"],
  ["no effect showed in time", injected, 10 + proveWithinMs, "fail NO_EFFECT"],
  ["it was proved", proved, 10 + proveWithinMs, "look"],
  ["its time is over", proved, 10 + ttlMs, "end ann"],
  ["its time is over, and somebody else holds its end", proved, 10 + ttlMs, "look", { endIsHeld: true }],
  ["its time is over, unproved: that is no lack of effect", injected, 10 + ttlMs, "look", { endIsHeld: true }],
  ["it failed", { injected: 10, failed: 20 }, 30, "end ann"],
  ["it failed before it was injected", { failed: 20 }, 30, "end ann"],
  ["it's being reverted", { ...proved, reverting: 30 }, 40, "revert"],
])("%s", ([, phases, afterMs, expected, given = {}]) => {
  const { haltedBy, endIsHeld = false } = given;
  const due = dueOf(record(phases), { atMs: beganAtMs + afterMs, haltedBy, endIsHeld });
  const detail = due.kind === "fail" ? ` ${due.code}` : due.kind === "end" ? ` ${due.by}` : "";
  expect(`${due.kind}${detail}`).toBe(expected);
});

import type { Snapshot } from "@operator/contracts/snapshot";
import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";
import type { Case, Failure } from "./case.ts";
import { Citing } from "./cite.ts";
import { explainer } from "./explain.ts";
import { tailMs } from "@operator/subject/topology";
import { lineOf } from "./lines.ts";
import { type Ended, keyOf, type Memory } from "./memory.ts";
import type { Recall } from "./recall.ts";
import type { Room } from "./room.ts";
import { type FiredTrack, follow, isFired, type Moment, type Turn } from "./track.ts";
import { violationOf, whySay, wordingOf } from "./violations.ts";

const comebackWindowMs = 10 * 60_000;
const endedMax = 1_000;
const holdMs = 3_000;
const holdMsMax = 60_000;

/** A target whose state changed, and why: for log and metrics. */
export interface Change {
  invariant: string;
  target: string;
  turn: Turn;
}

export interface Settled {
  memory: Memory;
  violations: Violation[];
  evidence: Snapshot[];
  lines: VerdictLine[];
  changes: Change[];
  failures: Failure[];
}

/** Takes what the rules say at one moment into the memory, and says what follows from it. */
export function settle(
  memory: Memory,
  cases: readonly Case[],
  at: Moment & { snapshot?: Snapshot },
  room: Room,
  recall: Recall,
): Settled {
  const { subject } = memory;
  const { nowMs } = at;
  const tracks = new Map(memory.tracks.map((track) => [keyOf(track), track]));
  const known = new Map(Object.entries(memory.known));
  // What left on purpose doesn't come back: it's remembered only for as long as it explains.
  const tailsMax = Math.max(tailMs, ...room.explanations.map((each) => each.tailMs ?? 0));
  const keptMs = { cleared: comebackWindowMs, retired: tailsMax * room.graceScale };
  const before = memory.ended.filter(({ endedAtMs, how }) => nowMs - endedAtMs < keptMs[how]);
  const cleared = Map.groupBy(
    before.filter(({ how }) => how === "cleared"),
    keyOf,
  );
  const over: { track: FiredTrack; how: Ended["how"]; reason: string }[] = [];
  const citing = new Citing(room, recall);
  const changes: Change[] = [];
  const failures: Failure[] = [];

  for (const now of cases) {
    const about = { invariant: now.rule.invariant, target: now.target };
    const key = keyOf(about);
    const old = tracks.get(key);
    const step = follow(old, now, at, {
      wasOk: known.has(key) && !old,
      comebacks: cleared.get(key)?.length ?? 0,
      holdMs: (comebacks) => Math.min(holdMs * 2 ** comebacks, holdMsMax) * room.graceScale,
    });
    const track = step.turn === "fired" ? citing.cite(step.track, now, at) : step.track;
    if (track) tracks.set(key, track);
    else tracks.delete(key);
    if (now.left) known.delete(key);
    else if (!known.has(key) || (old && !track)) known.set(key, nowMs);
    if (step.ended) {
      const how = step.turn === "retired" ? "retired" : "cleared";
      over.push({ track: step.ended, how, reason: now.left ? "it left on purpose" : now.judgement.reason });
    }
    if (step.turn !== "quiet" && !(step.turn === "forgotten" && !old)) changes.push({ ...about, turn: step.turn });
  }

  const ended = [...before, ...over.map(({ track, how }) => endedOf(track, how, nowMs))].slice(-endedMax);
  const current = [...tracks.values()];
  const { snapshot } = at;
  const why = explainer(
    { subject, tracks: current, ended, nowMs, failures, snapshot },
    room.explanations,
    room.graceScale,
  );
  const violations: Violation[] = [];
  for (const { track, how, reason } of over) {
    violations.push(violationOf(subject, track, { nowMs, state: how, summary: `${how}: ${reason}` }, why));
  }
  for (const track of current.filter(isFired)) {
    const violation = violationOf(subject, track, { nowMs, state: track.fired.said }, why);
    if (whySay(track, violation) === "quiet") continue;
    violations.push(violation);
    const { explainedBy: saidExplainedBy } = violation;
    const fired = { ...track.fired, saidAtMs: nowMs, saidAs: wordingOf(violation), saidExplainedBy };
    tracks.set(keyOf(track), { ...track, fired });
  }
  const lines = cases
    .filter(({ left }) => !left)
    .map((now) => {
      const key = keyOf({ invariant: now.rule.invariant, target: now.target });
      return lineOf(now, tracks.get(key), { nowMs, okSinceMs: known.get(key) ?? nowMs }, why);
    });
  return {
    memory: { ...memory, nowMs, known: Object.fromEntries(known), tracks: [...tracks.values()], ended },
    violations,
    evidence: citing.cited,
    lines,
    changes,
    failures,
  };
}

function endedOf({ invariant, target, breach }: FiredTrack, how: Ended["how"], endedAtMs: number): Ended {
  return { invariant, target, detail: breach.detail, endedAtMs, how };
}

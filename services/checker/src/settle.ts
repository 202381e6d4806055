import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { VerdictLine } from "@operator/contracts/verdicts";
import type { EvidenceReference, Violation } from "@operator/contracts/violation";
import type { Case, Failure } from "./case.ts";
import { explainer } from "./explain.ts";
import { pointersIn } from "./judge.ts";
import { lineOf } from "./lines.ts";
import { type Ended, keyOf, type Memory } from "./memory.ts";
import type { Recall } from "./recall.ts";
import type { Room } from "./room.ts";
import { type FiredTrack, follow, isFired, type Mark, type Moment, type Track, type Turn } from "./track.ts";
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
  const before = memory.ended.filter(({ endedAtMs }) => nowMs - endedAtMs < comebackWindowMs);
  const over: { track: FiredTrack; how: Ended["how"]; reason: string }[] = [];
  const evidence = new Map<number, Snapshot>();
  const changes: Change[] = [];
  const failures: Failure[] = [];

  for (const now of cases) {
    const about = { invariant: now.rule.invariant, target: now.target };
    const key = keyOf(about);
    const old = tracks.get(key);
    const step = follow(old, now, at, {
      wasOk: known.has(key) && !old,
      comebacks: before.filter((one) => one.how === "cleared" && keyOf(one) === key).length,
      holdMs: (comebacks) => Math.min(holdMs * 2 ** comebacks, holdMsMax) * room.graceScale,
    });
    const track = step.turn === "fired" ? cite(step.track, now, at, room, recall, evidence) : step.track;
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
  const why = explainer({ subject, tracks: current, ended, nowMs, failures }, room.explanations, room.graceScale);
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
    evidence: [...evidence.values()],
    lines,
    changes,
    failures,
  };
}

/** What a violation rests on, as far as the snapshots are still at hand: what is missing is said by its absence. */
function cite(
  track: Track | undefined,
  now: Case,
  at: { snapshot?: Snapshot; mark?: Mark },
  room: Room,
  recall: Recall,
  evidence: Map<number, Snapshot>,
): Track | undefined {
  if (!isFired(track)) return track;
  const reference = (snapshot: Snapshot, pointers: string[]): EvidenceReference => {
    evidence.set(snapshot.atMs, snapshot);
    return { address: addressOf(flow.evidence, snapshot), atMs: snapshot.atMs, pointers };
  };
  const { firstBad: mark, pointers } = track.breach;
  const isNow = mark !== undefined && mark.sequence === at.mark?.sequence;
  const first = mark && !isNow ? recall.get(mark.sequence) : undefined;
  const present = now.judgement.verdict === "violated" ? now.judgement.pointers : pointers;
  const bad = first ? reference(first, pointers) : at.snapshot ? reference(at.snapshot, present) : undefined;
  const good = track.lastGood && recall.get(track.lastGood.sequence);
  const goodPointers = good ? pointersIn(good, track, room) : [];
  const lastGood = good && reference(good, goodPointers.length > 0 ? goodPointers : pointers);
  const fired = { ...track.fired, ...(bad ? { firstBad: bad } : {}), ...(lastGood ? { lastGood } : {}) };
  return { ...track, fired };
}

function endedOf({ invariant, target, breach }: FiredTrack, how: Ended["how"], endedAtMs: number): Ended {
  return { invariant, target, detail: breach.detail, endedAtMs, how };
}

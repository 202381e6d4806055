import { InvariantName, TargetName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { VerdictLine, Verdicts } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";
import { framework } from "@operator/subject/framework";
import type { Case, Failure } from "./case.ts";
import { explainer } from "./explain.ts";
import { anyoneSaysLeft, judge, read } from "./judge.ts";
import { lineOf } from "./lines.ts";
import { keyOf, type Memory } from "./memory.ts";
import { caseOfObserver, casesOfSources, readsOf } from "./own-sight.ts";
import { nothing, type Recall, retain } from "./recall.ts";
import type { Room } from "./room.ts";
import { type Change, settle, type Settled } from "./settle.ts";
import { casesOfSilence, impliedSilences, silenceBase, silenceMs, silencesUntil } from "./silence.ts";

export type Input =
  | { kind: "snapshot"; snapshot: Snapshot; sequence: number }
  /** By the clock of who reads: nothing came until `asOf`, which is the last snapshot's event time plus the wait. */
  | { kind: "silence"; asOf: number }
  /** The stream lost what was in between before it was read. */
  | { kind: "gap"; fromSequence: number; toSequence: number };

/** What follows from an input, to be published in the order violations, evidence, verdicts; then the memory is saved. */
export interface Assessment {
  memory: Memory;
  recall: Recall;
  evidence: Snapshot[];
  violations: Violation[];
  verdicts?: Verdicts;
  changes: Change[];
  failures: Failure[];
  /** Why nothing was made of the input. */
  ignored?: "older-epoch" | "repeat";
}

/** Verdicts go out once a second; a little less, so that the jitter of a timer doesn't skip one. */
const verdictsMs = 900;
const gapShownMs = 60_000;

/** The checker's fold, pure and in event time: the same inputs always give the same memory and the same messages. */
export function assess(memory: Memory, input: Input, room: Room, recall: Recall = nothing): Assessment {
  if (input.kind === "snapshot") return assessSnapshot(memory, input, room, recall);
  if (input.kind === "silence") return assessSilence(memory, input.asOf, room, recall);
  const { fromSequence, toSequence } = input;
  // What cleared half before the gap may have broken within it, so its proof begins anew: no epoch is 0.
  const restart = { count: 1, epoch: 0, firstReads: [], lastReads: [] };
  const tracks = memory.tracks.map((track) => (track.state === "clearing" ? { ...track, oks: restart } : track));
  return quiet({ ...memory, tracks, gap: { fromSequence, toSequence } }, recall);
}

function assessSnapshot(
  memory: Memory,
  { snapshot, sequence }: { snapshot: Snapshot; sequence: number },
  room: Room,
  recall: Recall,
): Assessment {
  if (snapshot.subject !== memory.subject) {
    throw new Error(`a snapshot of "${snapshot.subject}" came to the checker of "${memory.subject}": fix the filter`);
  }
  const ignored = whyIgnore(memory, snapshot);
  if (ignored) return { ...quiet(memory, retain(recall, memory, sequence, snapshot)), ignored };

  // After a gap nobody knows whether there was silence.
  const missed = memory.gap && memory.gap.seenAtMs === undefined ? [] : impliedSilences(memory, snapshot.atMs);
  const before = applySilences(memory, missed, room, recall);

  const nowMs = eventTime(before.memory, snapshot);
  const reading = read(snapshot, room);
  const { cases, failures } = judge(reading, knownTargets(memory), room);
  const known = readsOf(snapshot, memory.reads);
  // Asked once for each target, however many sources read it.
  const abouts = new Set(known.map(({ about }) => about));
  const left = new Set([...abouts].filter((about) => anyoneSaysLeft(reading, about, room, failures)));
  const reads = known.map((one) => ({ ...one, left: left.has(one.about) }));
  const all = [
    ...cases,
    ...casesOfSources(snapshot, reading.misfits, reads, room.graceScale),
    caseOfObserver(snapshot),
    ...casesOfGoneRules(before.memory, room),
  ];
  const previous = memory.last && { sequence: memory.last.sequence, atMs: memory.last.atMs };
  const mark = { sequence, atMs: snapshot.atMs };
  const moment = { nowMs, epoch: snapshot.epoch, snapshot, mark, ...(previous ? { previous } : {}) };
  const settled = settle(before.memory, all, moment, room, recall);
  const isDue = nowMs - memory.verdictsAtMs >= verdictsMs;
  const gap = gapAt(memory, nowMs);
  const { gap: _, ...rest } = settled.memory;
  const next: Memory = {
    ...rest,
    ...(gap ? { gap } : {}),
    sequence,
    epoch: snapshot.epoch,
    n: snapshot.n,
    last: { ...mark, nowMs },
    silences: 0,
    verdictsAtMs: isDue ? nowMs : memory.verdictsAtMs,
    reads: reads.flatMap(({ source, about, left }) => (left ? [] : [{ source, about }])),
  };
  return {
    memory: next,
    recall: retain(recall, next, sequence, snapshot),
    evidence: [...before.evidence, ...settled.evidence],
    violations: [...before.violations, ...settled.violations],
    ...(isDue ? { verdicts: verdictsOf(next, nowMs, settled.lines) } : {}),
    changes: [...before.changes, ...settled.changes],
    failures: [...failures, ...settled.failures],
  };
}

function assessSilence(memory: Memory, asOf: number, room: Room, recall: Recall): Assessment {
  const steps = silencesUntil(memory, asOf);
  const base = silenceBase(memory);
  const silentMs = Math.max(1, Math.round(asOf - base.nowMs) + base.beforeMs);
  if (steps.length === 0) {
    // Between two silences nothing changes, but those who wait for verdicts hear that the checker is there.
    const { subject, tracks, ended, known } = memory;
    const failures: Failure[] = [];
    const why = explainer({ subject, tracks, ended, nowMs: asOf, failures }, room.explanations, room.graceScale);
    const byKey = new Map(tracks.map((track) => [keyOf(track), track]));
    const lines = casesOfSilence(memory, silentMs, memory.silences > 0, room).map((now) => {
      const key = keyOf({ invariant: now.rule.invariant, target: now.target });
      const okSinceMs = now.judgement.verdict === "ok" ? (known[key] ?? base.nowMs) : base.nowMs;
      return lineOf(now, byKey.get(key), { nowMs: asOf, okSinceMs }, why);
    });
    const verdicts = verdictsOf(memory, Math.max(asOf, memory.nowMs + 1), lines, silentMs);
    return { ...quiet(memory, recall), verdicts, failures };
  }
  const settled = applySilences(memory, steps, room, recall);
  const claimed = memory.claimed + steps.length;
  const next = { ...settled.memory, claimed, verdictsAtMs: settled.memory.nowMs };
  return {
    ...settled,
    memory: next,
    recall,
    verdicts: verdictsOf(next, next.nowMs, settled.lines, silentMs),
  };
}

/** The silences with these numbers, one after another: each is dated by the last snapshot, so that all say it alike. */
function applySilences(memory: Memory, steps: readonly number[], room: Room, recall: Recall): Settled {
  let all: Settled = { memory, violations: [], evidence: [], lines: [], changes: [], failures: [] };
  const base = silenceBase(memory);
  const { last } = memory;
  for (const step of steps) {
    const nowMs = Math.max(base.nowMs + step * silenceMs, all.memory.nowMs + 1);
    const cases = casesOfSilence(all.memory, base.beforeMs + step * silenceMs, true, room);
    const moment = {
      nowMs,
      epoch: memory.epoch,
      ...(last ? { previous: { sequence: last.sequence, atMs: last.atMs } } : {}),
    };
    const settled = settle({ ...all.memory, silences: step }, cases, moment, room, recall);
    all = {
      memory: settled.memory,
      violations: [...all.violations, ...settled.violations],
      evidence: [...all.evidence, ...settled.evidence],
      lines: settled.lines,
      changes: [...all.changes, ...settled.changes],
      failures: [...all.failures, ...settled.failures],
    };
  }
  return all;
}

/**
 * The snapshot's date, unless something was said at a later one already: a clock that is behind, or a snapshot that was
 * held up. Then event time goes on at half speed until it's caught up with, so that no grace stands still meanwhile.
 */
function eventTime({ nowMs, epoch, last }: Memory, snapshot: Snapshot): number {
  const passedMs = last && epoch === snapshot.epoch ? snapshot.atMs - last.atMs : 0;
  return Math.max(snapshot.atMs, nowMs + Math.max(1, Math.floor(passedMs / 2)));
}

function whyIgnore(memory: Memory, { epoch, n }: Snapshot): Assessment["ignored"] {
  if (epoch < memory.epoch) return "older-epoch";
  return epoch === memory.epoch && n <= memory.n ? "repeat" : undefined;
}

/** Targets by invariant, as far as the memory knows them. */
function knownTargets({ known }: Memory): Map<string, string[]> {
  const keys = Map.groupBy(Object.keys(known), (key) => key.slice(0, key.indexOf("/")));
  return new Map([...keys].map(([name, ofName]) => [name, ofName.map((key) => key.slice(name.length + 1))]));
}

/** A rule that the room no longer has can't clear: what it said is retired. */
function casesOfGoneRules(memory: Memory, room: Room): Case[] {
  const rules = new Set<string>([
    ...room.invariants.map(({ name }) => name),
    framework.sourceBlind.name,
    framework.observerSilent.name,
  ]);
  return [...knownTargets(memory)]
    .filter(([name]) => !rules.has(name))
    .flatMap(([name, targets]) => targets.map((target) => ({ name, target })))
    .map(({ name, target }) => ({
      rule: { invariant: InvariantName.parse(name), severity: "warning", graceMs: 0 },
      target: TargetName.parse(target),
      judgement: { verdict: "unknown", reason: `the room no longer has the rule ${name}` },
      reads: [],
      sources: [],
      left: true,
    }));
}

function gapAt({ gap }: Memory, nowMs: number): Memory["gap"] {
  if (!gap) return undefined;
  const seenAtMs = gap.seenAtMs ?? nowMs;
  return nowMs - seenAtMs > gapShownMs ? undefined : { ...gap, seenAtMs };
}

function verdictsOf(memory: Memory, asOf: number, lines: VerdictLine[], silentMs?: number): Verdicts {
  const { subject, epoch, n, gap } = memory;
  return {
    subject,
    asOf,
    ...(epoch > 0 ? { snapshot: { epoch, n } } : {}),
    ...(silentMs === undefined ? {} : { silentMs }),
    ...(gap ? { gap: { fromSequence: gap.fromSequence, toSequence: gap.toSequence } } : {}),
    lines,
  };
}

function quiet(memory: Memory, recall: Recall): Assessment {
  return { memory, recall, evidence: [], violations: [], changes: [], failures: [] };
}

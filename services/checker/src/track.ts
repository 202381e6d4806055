import { InvariantName, Severity, TargetName, TimeMs } from "@operator/contracts/names";
import { Detail, EvidenceReference, ViolationKey } from "@operator/contracts/violation";
import { z } from "zod";
import type { Case } from "./case.ts";

/** A snapshot that can be looked up again. */
export const Mark = z.object({ sequence: z.int().nonnegative(), atMs: TimeMs });
export type Mark = z.infer<typeof Mark>;

/** One episode of a rule being broken, from its first bad snapshot. */
const Breach = z.object({
  sinceMs: TimeMs,
  occurrences: z.int().positive(),
  /** Absent when there was no snapshot: a silence. */
  firstBad: Mark.optional(),
  pointers: z.array(z.string()),
  severity: Severity,
  summary: z.string(),
  detail: Detail,
});

/** What has been said of an episode since it fired. */
const Fired = z.object({
  /** `firing` until nobody can see; `blind` until it's seen broken again. Coming back to health changes neither. */
  said: z.enum(["firing", "blind"]),
  changedAtMs: TimeMs,
  comebacks: z.int().nonnegative(),
  firstBad: EvidenceReference.optional(),
  lastGood: EvidenceReference.optional(),
  /** When it was last published, and as what: see `violations.ts`. */
  saidAtMs: TimeMs,
  saidAs: z.string(),
  /** What it was last said to be a symptom of: it ends as such, so that one that never had a ticket gets none. */
  saidExplainedBy: z.array(ViolationKey),
});

const about = { invariant: InvariantName, target: TargetName, sinceMs: TimeMs, lastGood: Mark.optional() };

/** A target that isn't plainly ok. `sinceMs`: when the present state began. */
export const Track = z.discriminatedUnion("state", [
  /** Nobody can see it, and it wasn't known to be broken. */
  z.object({ state: z.literal("unknown"), ...about }),
  /** Broken within its grace. */
  z.object({ state: z.literal("pending"), ...about, breach: Breach }),
  z.object({ state: z.literal("firing"), ...about, breach: Breach, fired: Fired }),
  /** Was firing, and nobody can see it now. */
  z.object({ state: z.literal("blind"), ...about, breach: Breach, fired: Fired }),
  /** Ok again, not yet for long enough. */
  z.object({
    state: z.literal("clearing"),
    ...about,
    breach: Breach,
    fired: Fired,
    oks: z.object({
      count: z.int().positive(),
      epoch: z.int().nonnegative(),
      firstReads: z.array(TimeMs),
      lastReads: z.array(TimeMs),
    }),
  }),
]);
export type Track = z.infer<typeof Track>;
/** A track of an episode that fired and hasn't ended. */
export type FiredTrack = Extract<Track, { state: "firing" | "blind" | "clearing" }>;
type Clearing = Extract<Track, { state: "clearing" }>;

/** The reason why a track is as it is now. */
export type Turn =
  | "quiet"
  | "lost-sight"
  | "broken"
  | "recovered-in-grace"
  | "fired"
  | "went-blind"
  | "seen-again"
  | "relapsed"
  | "well-again"
  | "cleared"
  | "retired"
  | "forgotten";

/** The moment at which a case is looked at. */
export interface Moment {
  /** Event time. */
  nowMs: number;
  epoch: number;
  /** The snapshot judged; absent in a silence. */
  mark?: Mark;
  /** The snapshot before: where a target that was plainly ok until now was last seen well. */
  previous?: Mark;
}

export interface Step {
  turn: Turn;
  /** Absent: plainly ok, or forgotten. */
  track?: Track;
  /** The episode that this step cleared or retired. */
  ended?: FiredTrack;
}

const oksMin = 3;
/** A rule that points at more is cited with the first ones. */
export const pointersMax = 20;

/**
 * One step of one target's state machine, in event time. `wasOk`: known before, and plainly ok. `comebacks`: episodes
 * that cleared within the last 10 minutes. `holdMs`: how long an episode with so many comebacks must be ok to clear.
 */
export function follow(
  track: Track | undefined,
  now: Case,
  at: Moment,
  given: { wasOk: boolean; comebacks: number; holdMs: (comebacks: number) => number },
): Step {
  if (now.left) return isFired(track) ? { turn: "retired", ended: track } : { turn: "forgotten" };
  const lastGood = track ? track.lastGood : given.wasOk ? at.previous : undefined;
  const base = {
    invariant: now.rule.invariant,
    target: now.target,
    ...(lastGood ? { lastGood } : {}),
  };
  const { judgement } = now;
  if (judgement.verdict === "ok") return isFired(track) ? clearing(track, now, at, given.holdMs) : recovered(track);
  if (judgement.verdict === "unknown") return unseen(track, base, at);

  const held = track && track.state !== "unknown" ? track.breach : undefined;
  const firstBad = held ? held.firstBad : at.mark;
  const breach = {
    sinceMs: held?.sinceMs ?? at.nowMs,
    occurrences: (held?.occurrences ?? 0) + 1,
    ...(firstBad ? { firstBad } : {}),
    pointers: held?.pointers ?? judgement.pointers.slice(0, pointersMax),
    severity: now.rule.severity,
    summary: judgement.reason.slice(0, 500),
    detail: judgement.detail,
  };
  const broken = { ...base, breach };
  if (isFired(track)) return brokenStill(track, broken, at);
  if (at.nowMs - breach.sinceMs >= now.rule.graceMs) return fire(broken, at, given.comebacks);
  if (track?.state === "pending") return quiet({ ...track, breach });
  return { turn: "broken", track: { ...broken, state: "pending", sinceMs: at.nowMs } };
}

export function isFired(track: Track | undefined): track is FiredTrack {
  return track?.state === "firing" || track?.state === "blind" || track?.state === "clearing";
}

function quiet(track: Track): Step {
  return { turn: "quiet", track };
}

function recovered(track: Track | undefined): Step {
  return { turn: track?.state === "pending" ? "recovered-in-grace" : "quiet" };
}

type Base = Pick<FiredTrack, "invariant" | "target" | "lastGood">;
type Broken = Base & Pick<FiredTrack, "breach">;

/**
 * Not seeing is no breach, so nothing fires; nor is it health, so a pending breach keeps its clock: only `ok` takes it
 * back. Else a source that comes and goes could put off a breach for ever.
 */
function unseen(track: Track | undefined, base: Base, at: Moment): Step {
  if (!track) return { turn: "lost-sight", track: { ...base, state: "unknown", sinceMs: at.nowMs } };
  if (track.state !== "firing" && track.state !== "clearing") return quiet(track);
  const { breach } = track;
  // Who was coming back to health after a blind time is as unseen as before: no news.
  const wasBlind = track.fired.said === "blind";
  const fired = wasBlind ? track.fired : { ...track.fired, said: "blind" as const, changedAtMs: at.nowMs };
  const turn = wasBlind ? "lost-sight" : "went-blind";
  return { turn, track: { ...base, state: "blind", sinceMs: at.nowMs, breach, fired } };
}

function fire(broken: Broken, at: Moment, comebacks: number): Step {
  const fired = {
    said: "firing" as const,
    changedAtMs: at.nowMs,
    comebacks,
    saidAtMs: 0,
    saidAs: "",
    saidExplainedBy: [],
  };
  return { turn: "fired", track: { ...broken, state: "firing", sinceMs: at.nowMs, fired } };
}

function brokenStill(track: FiredTrack, broken: Broken, at: Moment): Step {
  const seenAgain = track.fired.said === "blind";
  const fired = seenAgain ? { ...track.fired, said: "firing" as const, changedAtMs: at.nowMs } : track.fired;
  const sinceMs = track.state === "firing" ? track.sinceMs : at.nowMs;
  const turn = seenAgain ? "seen-again" : track.state === "clearing" ? "relapsed" : "quiet";
  return { turn, track: { ...broken, state: "firing", sinceMs, fired } };
}

/** Counts only what was read anew: three snapshots of one old reading are one proof, not three. */
function clearing(track: FiredTrack, now: Case, at: Moment, holdMs: (comebacks: number) => number): Step {
  const lastReads = [...now.reads];
  if (track.state !== "clearing" || !goesOn(track, now, at)) {
    const { state: _, ...rest } = track;
    return {
      turn: "well-again",
      track: {
        ...rest,
        state: "clearing",
        sinceMs: at.nowMs,
        oks: { count: 1, epoch: at.epoch, firstReads: lastReads, lastReads },
      },
    };
  }
  const anew =
    lastReads.length > 0 && lastReads.every((readAtMs, i) => readAtMs > (track.oks.lastReads[i] ?? Infinity));
  if (!anew) return quiet(track);
  const oks = { ...track.oks, count: track.oks.count + 1, lastReads };
  const spanMs = Math.min(...lastReads.map((readAtMs, i) => readAtMs - (oks.firstReads[i] ?? Infinity)));
  const next: Clearing = { ...track, oks };
  const proven = oks.count >= oksMin && spanMs >= holdMs(track.fired.comebacks);
  return proven ? { turn: "cleared", ended: next } : quiet(next);
}

/** Another observer has another clock, so its readings can't be counted on top of the old one's. */
function goesOn(track: Clearing, now: Case, at: Moment): boolean {
  return track.oks.epoch === at.epoch && track.oks.lastReads.length === now.reads.length;
}

import { TargetName } from "@operator/contracts/names";
import { framework } from "@operator/subject/framework";
import { type Case, type Rule, ruleOf } from "./case.ts";
import { seconds } from "./freshness.ts";
import { keyOf, type Memory } from "./memory.ts";
import { caseOfSilence, sourceBlindRule } from "./own-sight.ts";
import type { Room } from "./room.ts";

/** Without a snapshot for so long the observer is silent; each further 5 s is one more silence. */
export const silenceMs = framework.observerSilent.graceMs;

/** Where nothing was ever seen nothing was lost: what is being set up gets 30 s in all to show its first snapshot. */
const firstSnapshotMs = 30_000;

/** A long silence that nobody watched is taken in its first and last step: the steps between say nothing new. */
const stepsMax = 1_000;

/** Silences are dated from here. `atMs` on the observer's clock, `nowMs` in event time, `beforeMs` of it silent already. */
export function silenceBase(memory: Memory): { atMs: number; nowMs: number; beforeMs: number } {
  if (memory.last) return { atMs: memory.last.atMs, nowMs: memory.last.nowMs, beforeMs: 0 };
  const beforeMs = firstSnapshotMs - silenceMs;
  const atMs = memory.startedAtMs + beforeMs;
  return { atMs, nowMs: atMs, beforeMs };
}

/** The event time that a wait for the next snapshot begins at. */
export function silenceOrigin(memory: Memory): number {
  const { nowMs, beforeMs } = silenceBase(memory);
  return nowMs - beforeMs;
}

/** How long it has been silent, as far as the memory says so already. */
export function silentMsSaid(memory: Memory): number {
  return memory.silences === 0 ? 0 : silenceBase(memory).beforeMs + memory.silences * silenceMs;
}

/**
 * The silences that a snapshot's date implies and that weren't applied yet, by number from 1. The first snapshot ever
 * implies none: the start is dated by another clock than the snapshots.
 */
export function impliedSilences(memory: Memory, atMs: number): number[] {
  if (!memory.last) return [];
  return steps(memory, Math.ceil((atMs - silenceBase(memory).atMs) / silenceMs) - 1);
}

/** The silences up to `asOf` that weren't applied yet, by number from 1. */
export function silencesUntil(memory: Memory, asOf: number): number[] {
  return steps(memory, Math.floor((asOf - silenceBase(memory).nowMs) / silenceMs));
}

function steps({ silences }: Memory, last: number): number[] {
  const count = last - silences;
  if (count <= 0) return [];
  if (count > stepsMax) return [silences + 1, last];
  return Array.from({ length: count }, (_, i) => silences + 1 + i);
}

/** What can be said while no snapshot comes: that nobody observes, and that all else is unknown. */
export function casesOfSilence(memory: Memory, silentMs: number, isBroken: boolean, room: Room): Case[] {
  const rules = new Map<string, Rule>(room.invariants.map((one) => [one.name, ruleOf(one, room.graceScale)]));
  rules.set(framework.sourceBlind.name, sourceBlindRule(room.graceScale));
  const judgement = { verdict: "unknown", reason: `no snapshot for ${seconds(silentMs)}` } as const;
  const keys = new Set([...Object.keys(memory.known), ...memory.tracks.map(keyOf)]);
  const cases = [...keys].flatMap((key): Case[] => {
    const rule = rules.get(key.slice(0, key.indexOf("/")));
    if (!rule) return [];
    const target = TargetName.parse(key.slice(key.indexOf("/") + 1));
    return [{ rule, target, judgement, reads: [], sources: [], left: false }];
  });
  return [...cases, caseOfSilence(silentMs, isBroken)];
}

import { TargetName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import { Detail } from "@operator/contracts/violation";
import type { Departure, Invariant, Judgement, Need } from "@operator/subject/invariant";
import { parseState } from "@operator/subject/state";
import { type Case, type Failure, messageOf, ruleOf } from "./case.ts";
import { type Misfit, sightOf, sourceLine } from "./freshness.ts";
import type { Room } from "./room.ts";

/** One snapshot, read once for all rules. */
export interface Reading {
  snapshot: Snapshot;
  state: never;
  misfits: readonly Misfit[];
}

/** Targets per invariant; what a snapshot names beyond them is a failure of its source, said and not judged. */
const targetsMax = 10_000;

export function read(snapshot: Snapshot, room: Room): Reading {
  const { state, misfits } = parseState(room.stateParts, snapshot);
  // The room's functions take the room's own state, which its `state.ts` has just parsed; only the room knows its type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { snapshot, state: state as never, misfits };
}

/**
 * What the room's rules say of a snapshot, freshness first: a judgement on what wasn't read lately is `unknown` before
 * the rule is asked. `known`: the targets that each invariant knew; one that the state no longer names is unknown, not well.
 */
export function judge(reading: Reading, known: ReadonlyMap<string, readonly string[]>, room: Room) {
  const cases: Case[] = [];
  const failures: Failure[] = [];
  for (const invariant of room.invariants) {
    const rule = ruleOf(invariant, room.graceScale);
    const named = attempt(() => new Set(invariant.targets(reading.state)), failures, { invariant: invariant.name });
    const targets = new Set([...(named ?? []), ...(known.get(invariant.name) ?? [])]);
    if (targets.size > targetsMax) {
      const message = `names ${targets.size} targets; the first ${targetsMax} are judged`;
      failures.push({ invariant: invariant.name, message });
    }
    for (const name of [...targets].slice(0, targetsMax)) {
      const failed = { invariant: invariant.name, target: name };
      const target = attempt(() => TargetName.parse(name), failures, failed);
      if (target === undefined) continue;
      const left = invariant.left !== undefined && hasLeft(invariant.left, reading, target, failures, failed);
      const needs = attempt(() => invariant.needs(target), failures, failed);
      const sights = (needs ?? []).map((need) => ({ need, sight: sightOf(reading.snapshot, reading.misfits, need) }));
      const stale = sights.find(({ sight }) => !sight.fresh)?.sight;
      const lost = !named?.has(target);
      const judgement: Judgement = !(named && needs)
        ? checkFailed(failures)
        : stale && !stale.fresh
          ? { verdict: "unknown", reason: stale.reason }
          : lost
            ? { verdict: "unknown", reason: `the observed state no longer names ${target}` }
            : ask(invariant, reading, target, failures);
      cases.push({
        rule,
        target,
        judgement,
        reads: sights.flatMap(({ sight }) => (sight.fresh ? [sight.readAtMs] : [])),
        sources: sights.flatMap(({ need, sight }) => attempt(() => sourceLine(need, sight), failures, failed) ?? []),
        left,
      });
    }
  }
  return { cases, failures };
}

/** Whether any rule has fresh evidence that a target left on purpose. */
export function anyoneSaysLeft(reading: Reading, target: string, room: Room, failures: Failure[]): boolean {
  return room.invariants.some(
    ({ name, left }) => left !== undefined && hasLeft(left, reading, target, failures, { invariant: name, target }),
  );
}

/** The pointers that a rule gives for a target in some other snapshot; none where it can't judge. */
export function pointersIn(reading: Reading, about: { invariant: string; target: string }, room: Room): string[] {
  const invariant = room.invariants.find(({ name }) => name === about.invariant);
  if (!invariant) return [];
  const judgement = ask(invariant, reading, about.target, []);
  return judgement.verdict === "unknown" ? [] : judgement.pointers;
}

function ask(invariant: Invariant<never>, reading: Reading, target: string, failures: Failure[]): Judgement {
  const failed = { invariant: invariant.name, target };
  const { snapshot, misfits, state } = reading;
  const isFresh = (source: string, about: string) => sightOf(snapshot, misfits, { source, target: about }).fresh;
  const judged = attempt(() => sound(invariant.judge(state, target, snapshot.atMs, isFresh)), failures, failed);
  return judged ?? checkFailed(failures);
}

/** What can't travel (NaN, a detail half filled) is the rule's failure, not the bus's. */
function sound(judgement: Judgement): Judgement {
  if (judgement.verdict === "unknown") return judgement;
  if (typeof judgement.value === "number" && !Number.isFinite(judgement.value)) {
    throw new Error(`judged by the value ${judgement.value}: give a finite number, or say unknown`);
  }
  return judgement.verdict === "ok" ? judgement : { ...judgement, detail: Detail.parse(judgement.detail) };
}

/** Of the failure that was noted last. */
function checkFailed(failures: Failure[]): Judgement {
  return { verdict: "unknown", reason: `CHECK_FAILED: ${failures.at(-1)?.message ?? "no message"}` };
}

function hasLeft(
  departure: Departure<never>,
  { snapshot, misfits, state }: Reading,
  target: string,
  failures: Failure[],
  failed: Omit<Failure, "message">,
): boolean {
  const says = () => {
    const needs: Need[] = departure.needs(target);
    // An old register proves nothing, and no register proves less.
    return (
      needs.length > 0 && needs.every((need) => sightOf(snapshot, misfits, need).fresh) && departure.says(state, target)
    );
  };
  return attempt(says, failures, failed) ?? false;
}

/** A throw of a room's function costs that function's answer, nothing more. */
function attempt<Result>(run: () => Result, failures: Failure[], failed: Omit<Failure, "message">): Result | undefined {
  try {
    return run();
  } catch (error) {
    failures.push({ ...failed, message: messageOf(error) });
    return undefined;
  }
}

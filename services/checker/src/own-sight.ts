import { toPointer } from "@operator/contracts/json";
import { InvariantName, SourceName, TargetName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import { blindTarget, framework, wholeSourceTarget } from "@operator/subject/framework";
import type { Judgement } from "@operator/subject/invariant";
import type { Case, Rule } from "./case.ts";
import { type Misfit, seconds, sightOf, sourceLine } from "./freshness.ts";

/** What a source is known to read. */
export interface Read {
  source: SourceName;
  about: TargetName;
}

/** Pairs of source and target; a subject has a few sources per target. */
const readsMax = 10_000;
/** Of a whole source's targets so many are shown, those that it doesn't read first: each has its own line as well. */
const shownMax = 20;

/** Everything that the snapshot's sources read or should read: what was known, and what the reports name. */
export function readsOf(snapshot: Snapshot, known: readonly Read[]): Read[] {
  const reads = new Map(known.map((read) => [`${read.source}/${read.about}`, read]));
  for (const [source, report] of Object.entries(snapshot.sources)) {
    for (const about of Object.keys(report.targets)) {
      if (reads.size >= readsMax) return [...reads.values()];
      const read = { source: SourceName.parse(source), about: TargetName.parse(about) };
      reads.set(`${source}/${about}`, read);
    }
  }
  return [...reads.values()];
}

/**
 * `source_blind` of each target that a source should read, and of each source that reads none of several. `left`: the
 * target of the read left on purpose.
 */
export function casesOfSources(
  snapshot: Snapshot,
  misfits: readonly Misfit[],
  reads: readonly (Read & { left: boolean })[],
  graceScale: number,
): Case[] {
  const rule = sourceBlindRule(graceScale);
  const bySource = Map.groupBy(reads, ({ source }) => source);
  return [...bySource].flatMap(([source, ofSource]) => {
    const sighted = ofSource.map(({ about, left }) => {
      const need = { source, target: about };
      return { about, left, need, sight: sightOf(snapshot, misfits, need) };
    });
    const cases: Case[] = sighted.map(({ about, left, need, sight }) => ({
      rule,
      target: blindTarget(source, about),
      judgement: sight.fresh
        ? {
            verdict: "ok",
            reason: `${source} read ${about} ${seconds(snapshot.atMs - sight.readAtMs)} ago`,
            pointers: pointersOf(snapshot, source, about),
          }
        : {
            verdict: "violated",
            reason: sight.reason,
            detail: { kind: "blind", source, about, code: sight.code },
            pointers: pointersOf(snapshot, source, about),
          },
      reads: sight.fresh ? [sight.readAtMs] : [],
      sources: [sourceLine(need, sight)],
      left,
    }));
    const present = sighted.filter(({ left }) => !left);
    const target = wholeSourceTarget(source);
    const pointers = pointersOf(snapshot, source);
    const unreadFirst = [...present.filter(({ sight }) => !sight.fresh), ...present.filter(({ sight }) => sight.fresh)];
    const lines = unreadFirst.slice(0, shownMax).map(({ need, sight }) => sourceLine(need, sight));
    const readAtMs = present.flatMap(({ sight }) => (sight.fresh ? [sight.readAtMs] : []));
    const judgement: Judgement =
      readAtMs.length > 0 || present.length === 0
        ? { verdict: "ok", reason: `${source} reads ${readAtMs.length} of ${present.length} targets`, pointers }
        : {
            verdict: "violated",
            reason: `source ${source} reads none of its ${present.length} targets`,
            detail: { kind: "blind", source, about: target, code: "ALL_TARGETS" },
            pointers,
          };
    // A source with one target is blind or not by that target alone.
    const left = present.length < 2;
    cases.push({
      rule,
      target,
      judgement,
      reads: readAtMs.length > 0 ? [Math.max(...readAtMs)] : [],
      sources: lines,
      left,
    });
    return cases;
  });
}

/** `observer_silent` in a snapshot: it came, so somebody observes. */
export function caseOfObserver(snapshot: Snapshot): Case {
  const reason = `the observer sent snapshot ${snapshot.n} of epoch ${snapshot.epoch}`;
  return {
    rule: observerSilentRule,
    target: observer,
    judgement: { verdict: "ok", reason, pointers: ["/atMs"] },
    reads: [snapshot.atMs],
    sources: [],
    left: false,
  };
}

/** `observer_silent` when nothing came for `silentMs`; broken from 5 s on. */
export function caseOfSilence(silentMs: number, isBroken: boolean): Case {
  const reason = `no snapshot for ${seconds(silentMs)}`;
  return {
    rule: observerSilentRule,
    target: observer,
    judgement: isBroken
      ? {
          verdict: "violated",
          reason,
          detail: { kind: "silent_service", service: "observer", silentMs },
          pointers: ["/atMs"],
        }
      : { verdict: "ok", reason, pointers: [] },
    reads: [],
    sources: [],
    left: false,
  };
}

const observer = TargetName.parse(framework.observerSilent.target);

/** Its grace is the silence itself, dated by the last snapshot. */
export const observerSilentRule: Rule = {
  invariant: InvariantName.parse(framework.observerSilent.name),
  severity: framework.observerSilent.severity,
  graceMs: 0,
};

export function sourceBlindRule(graceScale: number): Rule {
  return {
    invariant: InvariantName.parse(framework.sourceBlind.name),
    severity: framework.sourceBlind.severity,
    graceMs: framework.sourceBlind.graceMs * graceScale,
  };
}

/** The deepest part of the report that is there, so that the evidence can be looked up. */
function pointersOf(snapshot: Snapshot, source: string, about?: string): string[] {
  const report = Object.hasOwn(snapshot.sources, source) ? snapshot.sources[SourceName.parse(source)] : undefined;
  if (!report) return ["/sources"];
  const isListed = about !== undefined && Object.hasOwn(report.targets, about);
  return [toPointer(isListed ? ["sources", source, "targets", about] : ["sources", source])];
}

import { SourceName, TargetName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Need } from "@operator/subject/invariant";

/** A reading is late when it's older than so many rhythms of its source. */
const rhythmsMax = 3;

/** What a source can vouch for of a target in one snapshot. */
export type Sight =
  | { fresh: true; readAtMs: number }
  | { fresh: false; readAtMs?: number; code: string; reason: string };

/** A reading that doesn't fit the room's `state.ts`. */
export interface Misfit {
  source: string;
  target: string;
  message: string;
}

/** Whether what a judgement needs was read, without an error, and lately. Silence is not health: if not, why not. */
export function sightOf(snapshot: Snapshot, misfits: readonly Misfit[], need: Need): Sight {
  const { source, target } = need;
  const report = entry(snapshot.sources, source);
  if (!report) return { fresh: false, code: "NO_SOURCE", reason: `source ${source} reports nothing` };
  const about = entry(report.targets, target);
  if (!about) return { fresh: false, code: "LOST", reason: `source ${source} no longer reports on ${target}` };
  const { readAtMs, error } = about;
  const seen = readAtMs === undefined ? {} : { readAtMs };
  if (error) {
    const reason = `source ${source} failed to read ${target}: ${error.code}: ${error.message}`;
    return { fresh: false, ...seen, code: error.code, reason };
  }
  if (readAtMs === undefined) {
    return { fresh: false, code: "NEVER_READ", reason: `source ${source} has never read ${target}` };
  }
  const ageMs = snapshot.atMs - readAtMs;
  if (ageMs > rhythmsMax * report.rhythmMs) {
    const reason = `source ${source} is late: last read ${target} ${seconds(ageMs)} ago, its rhythm is ${seconds(report.rhythmMs)}`;
    return { fresh: false, readAtMs, code: "LATE", reason };
  }
  const misfit = misfits.find((one) => one.source === source && one.target === target);
  if (misfit) {
    const reason = `source ${source}'s reading of ${target} doesn't fit the room's state: ${misfit.message}`;
    return { fresh: false, readAtMs, code: "MISFIT", reason };
  }
  if (entry(entry(snapshot.parts, source) ?? {}, target) === undefined) {
    return { fresh: false, readAtMs, code: "NO_READING", reason: `source ${source} gives no reading of ${target}` };
  }
  return { fresh: true, readAtMs };
}

/** A need with what came of it, as `status` shows it. */
export function sourceLine({ source, target }: Need, sight: Sight): VerdictLine["sources"][number] {
  return {
    source: SourceName.parse(source),
    target: TargetName.parse(target),
    fresh: sight.fresh,
    ...(sight.readAtMs === undefined ? {} : { readAtMs: sight.readAtMs }),
    ...(sight.fresh ? {} : { error: sight.reason.slice(0, 500) }),
  };
}

/** e.g. `4.2 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** A record's own entry: names come from outside, and `constructor` is none of ours. */
function entry<Value>(record: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

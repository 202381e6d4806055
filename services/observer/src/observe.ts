import { Json } from "@operator/contracts/json";
import { SourceName, type SubjectName, TargetName } from "@operator/contracts/names";
import type { Snapshot, SourceReport, TargetReport } from "@operator/contracts/snapshot";
import type { Reading } from "@operator/subject/observation";

/** What is known of one target from one source: the last reading, and why it can't be read now. */
export interface TargetSight {
  value?: Json;
  readAtMs?: number;
  error?: { code: string; message: string; sinceMs: number };
}

/** What one source has shown so far. A value: each read makes the next one. */
export interface SourceSight {
  rhythmMs: number;
  targets: ReadonlyMap<TargetName, TargetSight>;
}

/** How a read went: what it says of targets, or why it failed for all of them. */
export type ReadResult = { readings: Record<string, Reading> } | { error: { code: string; message: string } };

/**
 * A target's reading in JSON may have so many characters. All of a snapshot is bounded only where it's sent: one message,
 * of 8 MiB at most (of a thousand stores it has 0.8), and of 4 as it's stored.
 */
const readingLengthMax = 65_536;
/** `TargetReport`'s limit. */
const messageLengthMax = 500;

export function unseen(rhythmMs: number, expected: readonly string[]): SourceSight {
  return { rhythmMs, targets: new Map(expected.flatMap(named).map((target) => [target, {}])) };
}

/**
 * What is known after a read. A target that was ever read or is expected stays, with its last reading and an error,
 * until the source says that it left: silence isn't a departure. `startedAtMs` dates readings, so that a slow read
 * doesn't pass for a fresh one.
 */
export function afterRead(
  sight: SourceSight,
  read: { result: ReadResult; expected: readonly string[]; startedAtMs: number; endedAtMs: number },
): SourceSight {
  const { result, startedAtMs, endedAtMs } = read;
  const said = new Map(Object.entries("readings" in result ? result.readings : {}));
  const targets = new Map<TargetName, TargetSight>();
  for (const target of new Set([...sight.targets.keys(), ...[...read.expected, ...said.keys()].flatMap(named)])) {
    const before = sight.targets.get(target) ?? {};
    const reading = "error" in result ? result : (said.get(target) ?? missing);
    if ("left" in reading) continue;
    const read = "value" in reading ? checked(reading.value) : reading;
    targets.set(
      target,
      "value" in read
        ? { value: read.value, readAtMs: startedAtMs }
        : { ...before, error: { ...bounded(read.error), sinceMs: before.error?.sinceMs ?? endedAtMs } },
    );
  }
  return { ...sight, targets };
}

/** The message that carries what is known now. */
export function snapshotOf(
  at: { subject: SubjectName; epoch: number; n: number; atMs: number; cause: Snapshot["cause"] },
  sights: ReadonlyMap<string, SourceSight>,
): Snapshot {
  const sources: [SourceName, SourceReport][] = [];
  const parts: [SourceName, Record<TargetName, Json>][] = [];
  for (const [name, { rhythmMs, targets }] of sights) {
    const source = SourceName.parse(name);
    sources.push([source, { rhythmMs, targets: Object.fromEntries([...targets].map(reportOf)) }]);
    const read = [...targets].flatMap(([target, { value }]) => (value === undefined ? [] : [[target, value] as const]));
    if (read.length > 0) parts.push([source, Object.fromEntries(read)]);
  }
  return { ...at, sources: Object.fromEntries(sources), parts: Object.fromEntries(parts) };
}

function reportOf([target, { readAtMs, error }]: [TargetName, TargetSight]): [TargetName, TargetReport] {
  return [target, { ...(readAtMs !== undefined && { readAtMs }), ...(error && { error }) }];
}

const missing = { error: { code: "TARGET_MISSING", message: "the source was read, but said nothing of this target" } };

/** A name from outside that can't be a target's is left out: one odd name must not cost the whole snapshot. */
function named(text: string): TargetName[] {
  // An object key of this name would set the prototype instead.
  const parsed = text === "__proto__" ? undefined : TargetName.safeParse(text);
  return parsed?.success ? [parsed.data] : [];
}

function checked(value: unknown): { value: Json } | { error: { code: string; message: string } } {
  const json = Json.safeParse(value);
  if (!json.success) return { error: { code: "READING_NOT_JSON", message: "the reading isn't JSON" } };
  const length = JSON.stringify(json.data).length;
  if (length <= readingLengthMax) return { value: json.data };
  return {
    error: { code: "READING_TOO_LARGE", message: `the reading has ${length} characters, over ${readingLengthMax}` },
  };
}

function bounded({ code, message }: { code: string; message: string }) {
  // A URL in an error may carry a password.
  const shown = message.replace(/\/\/[^@/\s]*@/g, "//***@");
  return { code: code.slice(0, 64), message: shown.slice(0, messageLengthMax) };
}

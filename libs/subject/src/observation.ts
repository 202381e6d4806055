import type { ProbeTarget } from "./probe.ts";

/**
 * What a source says of one target: a reading, why there is none, or that the target left on purpose and is to be
 * forgotten. The observer checks that a reading is JSON.
 */
export type Reading = { value: unknown } | { error: { code: string; message: string } } | { left: true };

/** A read API, asked on a rhythm. */
export interface Source {
  name: string;
  rhythmMs: number;
  /** The whole read may take so long; then it's an error of every target. */
  timeoutMs: number;
  /** The targets that it is to read now, known before any reading: one that was never read is blind, not absent. */
  targets: () => string[];
  /**
   * Read at once, beside the rhythm, when a probe found this target down, and before that is said: what it reads may be
   * the reason, e.g. that the target is leaving on purpose. Waited for 50 ms at most.
   */
  tellsWhy?: (target: string) => boolean;
  /** target → reading. A throw is a failure of every target. Must end when the signal fires. */
  read: (signal: AbortSignal) => Promise<Record<string, Reading>>;
}

/** A line of a log as it stands there, with the time that it bears; all lines of one entry bear the entry's. */
export interface WrittenLine {
  atMs: number;
  text: string;
}

/** What members of the subject wrote, read only when somebody asks. */
export interface LogReader {
  /** Those whose logs can be read. */
  targets: () => string[];
  /** Some of the newest lines, oldest first; the observer cuts and cleans them. A throw says why there are none. */
  read: (target: string) => Promise<WrittenLine[]>;
}

/** How a subject is observed: made by a room's `observe.ts` from its settings, run by the observer. */
export interface Observation {
  sources: Source[];
  /** What to probe now; asked after every reading, as targets come and go. The first call comes before any reading. */
  probeTargets: () => ProbeTarget[];
  logs?: LogReader;
  close: () => Promise<void>;
}

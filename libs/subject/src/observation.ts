import type { Json } from "@operator/contracts/json";
import type { ProbeTarget } from "./probe.ts";

/** What a source says of one target: a reading, or why there is none. */
export type Reading = { value: Json } | { error: { code: string; message: string } };

/** A read API, asked on a rhythm. */
export interface Source {
  name: string;
  rhythmMs: number;
  timeoutMs: number;
  /** target → reading. A throw is a failure of every target that the source ever read. Must end when the signal fires. */
  read: (signal: AbortSignal) => Promise<Record<string, Reading>>;
}

/** How a subject is observed: made by a room's `observe.ts` from its settings, run by the observer. */
export interface Observation {
  sources: Source[];
  /** What to probe now; asked after every reading, as targets come and go. The first call comes before any reading. */
  probeTargets: () => ProbeTarget[];
  close: () => Promise<void>;
}

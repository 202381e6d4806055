import type { Snapshot } from "@operator/contracts/snapshot";
import { agoOf, timeOf } from "../terminal/ages.ts";
import { entry, type Line, type Span, span, table } from "../terminal/page.ts";

/** A snapshot, and where it was read. The document of `operator snapshots show --json`. */
export interface FoundSnapshot {
  address: string;
  sequence: number;
  snapshot: Snapshot;
}

/** A snapshot in short: who read what when, and each reading on a line. `--pointer` shows a part of it whole. */
export function snapshotPage(found: FoundSnapshot, nowMs: number, columns: number): Line[] {
  const { address, sequence, snapshot } = found;
  const line = (name: string, text: string) => entry(name, text, columns, "plain", 0);
  const parts = new Map(Object.entries(snapshot.parts));
  const rows = Object.entries(snapshot.sources).flatMap(([source, { targets }]) => {
    const part = parts.get(source);
    const readings = new Map(part === undefined ? [] : Object.entries(part));
    return Object.entries(targets).map(([target, { readAtMs, error }]): Span[] => [
      source,
      target,
      readAtMs === undefined ? span("never", "warn") : agoOf(readAtMs, snapshot.atMs).replace(" ago", " before"),
      error === undefined
        ? (JSON.stringify(readings.get(target)) ?? "–")
        : span(`✖ ${error.code}: ${error.message}`, "bad"),
    ]);
  });
  return [
    ...line("subject", snapshot.subject),
    ...line("taken", `${timeOf(snapshot.atMs, nowMs)}, ${causes[snapshot.cause]}`),
    ...line("number", `${snapshot.n} of the observer's epoch ${snapshot.epoch}`),
    ...line("kept as", `sequence ${sequence} of ${address}`),
    [],
    ...table(
      [{ title: "SOURCE" }, { title: "TARGET", atLeast: 10 }, { title: "READ" }, { title: "READING", atLeast: 20 }],
      rows,
      columns,
    ),
  ];
}

const causes = {
  rhythm: "as every second",
  change: "at once, because a probe changed its mind",
} as const satisfies Record<Snapshot["cause"], string>;

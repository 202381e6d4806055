import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serve, type Serving } from "./recorded.fixture.ts";

const historyS = 75;

/** A counter that has grown by so much a second, for ever. */
interface Counter {
  series: string;
  perS: number;
}

/** What a process of the cluster exports: a recorded page, some of it changed, and counters that grow. */
interface Page {
  recording: string;
  /** Series → value, in place of what was recorded. */
  changes?: Record<string, number>;
  counters?: Counter[];
}

/**
 * Serves `/metrics` as a recording has it. Counters have a past: the first page that is fetched bears all of the last
 * minute, each sample with its time, so that a rate over a minute is exact at once.
 */
export async function serveMetrics({ recording, changes = {}, counters = [] }: Page): Promise<Serving> {
  const names = new Set([...Object.keys(changes), ...counters.map(({ series }) => series)]);
  const kept = readFileSync(join(import.meta.dirname, "recordings", `${recording}.txt`), "utf8")
    .split("\n")
    .filter((line) => !line.startsWith("#") && !names.has(line.slice(0, line.lastIndexOf(" "))));
  const changed = Object.entries(changes).map(([series, value]) => `${series} ${value}`);
  let lastS: number | undefined;
  return await serve((_, response) => {
    const nowS = Date.now() / 1_000;
    const fromS = lastS ?? nowS - historyS;
    lastS = nowS;
    const times: number[] = [];
    for (let atS = nowS; atS > fromS; atS -= 1) times.unshift(atS);
    const grown = counters.flatMap(({ series, perS }) =>
      times.map((atS) => `${series} ${perS * (atS - 1_700_000_000)} ${Math.round(atS * 1_000)}`),
    );
    response.end([...kept, ...changed, ...grown, ""].join("\n"));
  });
}

/** The buckets of a TiKV histogram: by upper bound in seconds, how many a second are in it alone. */
export function bucketsOf(histogram: string, labels: string, counts: Record<number, number>): Counter[] {
  let perS = 0;
  const bounds = Array.from({ length: 22 }, (_, at) => 0.000_05 * 2 ** at);
  const buckets = bounds.map((bound) => {
    const own = Object.entries(counts).find(([le]) => Math.abs(Number(le) / bound - 1) < 0.01)?.[1] ?? 0;
    perS += own;
    return {
      series: `${histogram}_bucket{${labels}${labels === "" ? "" : ","}le="${Number(bound.toPrecision(6))}"}`,
      perS,
    };
  });
  const braces = labels === "" ? "" : `{${labels}}`;
  return [
    ...buckets,
    { series: `${histogram}_bucket{${labels}${labels === "" ? "" : ","}le="+Inf"}`, perS },
    { series: `${histogram}_count${braces}`, perS },
  ];
}

/** Bounds in seconds, doubling, as TiKV's histograms have them. */
export function doublingBounds(fromS: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => Number((fromS * 2 ** at).toPrecision(6)));
}

/** How many of `count` requests fall into each bucket (one more than bounds), when latencies are log-normal around `medianS`. */
export function spread(count: number, medianS: number, bounds: number[]): number[] {
  const shares = sharesOf(medianS, bounds);
  return shares.map((share) => share * count);
}

/** The 99th percentile is four times the median. */
const sigma = Math.log(4) / 2.326;
const known = new Map<string, number[]>();

/** Most requests are like those of the second before. */
function sharesOf(medianS: number, bounds: number[]): number[] {
  const key = `${medianS.toPrecision(2)} ${bounds[0]}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const median = Number(medianS.toPrecision(2));
  const below = bounds.map((bound) => normal(Math.log(bound / median) / sigma));
  const shares = [...below, 1].map((share, at) => share - (below[at - 1] ?? 0));
  if (known.size > 1_000) known.clear();
  known.set(key, shares);
  return shares;
}

/** The normal distribution's share below `z` (Abramowitz and Stegun 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const poly = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = Math.exp((-z * z) / 2) * 0.3989422804 * poly;
  return z > 0 ? 1 - tail : tail;
}

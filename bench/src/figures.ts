/** What a figure is measured with. */
export interface Measuring {
  /** The subject whose loop is measured. */
  subject: string;
  /** Rounds in which ours and raw take turns. */
  rounds: number;
  /** All counts are divided by this: 1, or 10 to see that everything runs. */
  shortenedBy: number;
  /** Draws members and phases; printed, so that a run can be repeated. */
  seed: number;
  /** Progress, for whoever waits. */
  say: (text: string) => void;
  /** Fires when the bench is to stop: what waits ends, what was started is stopped. */
  signal: AbortSignal;
}

/** A number with the limit that it's held to. */
export interface Claim {
  what: string;
  value: number;
  unit: string;
  limit: Limit;
  reached: boolean;
}

export type Limit = { atMost: number } | { atLeast: number };

/** One measurement: what it claims, and what else was seen, for whoever looks into it. */
export interface Figure {
  name: string;
  title: string;
  claims: Claim[];
  /** In words, in the order of the report. */
  facts: string[];
  /** The measured values, for the JSON report. */
  data: unknown;
}

/** Holds a number to its limit. What couldn't be measured (NaN) reaches none. */
export function claim(what: string, value: number, unit: string, limit: Limit): Claim {
  const reached = "atMost" in limit ? value <= limit.atMost : value >= limit.atLeast;
  return { what, value, unit, limit, reached };
}

/** By nearest rank; NaN of nothing. `rank` from 0 to 1. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** `p50 1.2, p95 3.4, max 5.6 ms, n 30`. */
export function spread(values: readonly number[], unit = "ms"): string {
  const [p50, p95, max] = [0.5, 0.95, 1].map((rank) => short(percentile(values, rank)));
  return `p50 ${p50}, p95 ${p95}, max ${max} ${unit}, n ${values.length}`;
}

/** Three digits that matter. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

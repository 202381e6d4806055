const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A length of time in the unit that a person would use: `340 ms`, `7.2 s`, `41 s`, `12 min`, `5 h`, `3 d`. */
export function lengthOf(ms: number): string {
  if (ms < second) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * second) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < 2 * minute) return `${Math.floor(ms / second)} s`;
  if (ms < 2 * hour) return `${Math.floor(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / day)} d`;
}

/** `12 s ago`, or `in 12 s` for what is to come. */
export function agoOf(atMs: number, nowMs: number): string {
  return atMs > nowMs + second ? `in ${lengthOf(atMs - nowMs)}` : `${lengthOf(nowMs - atMs)} ago`;
}

/** The time of day in UTC; with the date when it isn't within 24 hours; the bare number when no calendar has it. */
export function clockOf(atMs: number, nowMs: number): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return `${atMs} ms`;
  const iso = date.toISOString();
  return Math.abs(nowMs - atMs) < day ? iso.slice(11) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}

/** Relative and absolute: `12 s ago (07:41:03.120Z)`. */
export function timeOf(atMs: number, nowMs: number): string {
  return `${agoOf(atMs, nowMs)} (${clockOf(atMs, nowMs)})`;
}

/** Go's text of a duration: `51.217s`, `1m0s`, `30m0s`, `498676h58m46.1s`, `115.697ms`. */
export function goDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (Math.abs(ms) < 1) return `${trimmed(ms * 1_000)}µs`;
  if (Math.abs(ms) < 1_000) return `${trimmed(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const rest = `${trimmed((ms % 60_000) / 1_000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

/** A size as PD prints it, four significant digits at most: `931.5GiB`, `10GiB`, `0B`. */
export function goSize(bytes: number): string {
  let at = 0;
  let size = bytes;
  while (size >= 1_024 && at < units.length - 1) {
    size /= 1_024;
    at += 1;
  }
  return `${Number(size.toPrecision(4))}${units[at]}`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Go's text of a time with its process' monotonic clock: `2026-11-21 04:58:47.53 +0000 UTC m=+228.591`. */
export function goTime(atMs: number, startedAtMs: number): string {
  const text = new Date(atMs).toISOString().replace("T", " ").replace("Z", "");
  return `${text} +0000 UTC m=+${((atMs - startedAtMs) / 1_000).toFixed(9)}`;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(9)));
}

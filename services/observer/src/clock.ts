/** Milliseconds since the epoch, whole, never less than before. */
export type Clock = () => number;

/**
 * Event time: follows the wall clock forward, but never goes back or stands still when that is set back, because what
 * is fresh and how long something lasts is computed from its differences.
 */
export function eventClock(wallMs = () => Date.now(), monotonicMs = () => performance.now()): Clock {
  let atMs = wallMs();
  let seenMs = monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    atMs = Math.max(atMs + nowMs - seenMs, wallMs());
    seenMs = nowMs;
    return Math.floor(atMs);
  };
}

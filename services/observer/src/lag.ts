/** Says how long this process's event loop was held up: limits that ran out meanwhile say nothing about others. */
export interface LagWatch {
  /** The longest hold-up in ms that ended after this moment of `performance.now()`. */
  lagSince: (sinceMs: number) => number;
  close: () => void;
}

export function watchLag(): LagWatch {
  let tickedMs = performance.now();
  let holdUps: { endedMs: number; forMs: number }[] = [];
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const forMs = nowMs - tickedMs - tickMs;
    holdUps = holdUps.filter(({ endedMs }) => nowMs - endedMs < rememberMs);
    if (forMs >= tickMs) holdUps.push({ endedMs: nowMs, forMs });
    tickedMs = nowMs;
  }, tickMs);
  timer.unref();
  return {
    lagSince: (sinceMs) => {
      // After a hold-up other timers may run before ours: what isn't ticked yet counts.
      const runningMs = performance.now() - tickedMs - tickMs;
      const past = holdUps.filter(({ endedMs }) => endedMs > sinceMs).map(({ forMs }) => forMs);
      return Math.max(0, runningMs, ...past);
    },
    close: () => clearInterval(timer),
  };
}

const tickMs = 25;
const rememberMs = 5_000;

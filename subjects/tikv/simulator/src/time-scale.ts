/** How much faster than a real cluster this one lives: every waiting time of PD and TiKV is divided by it. */
export interface TimeScale {
  factor: number;
  /** A real cluster's waiting time, here. `atLeastMs` where a shorter one would measure the machine instead. */
  wait: (realMs: number, atLeastMs?: number) => number;
}

export function timeScale(factor: number): TimeScale {
  return { factor, wait: (realMs, atLeastMs = 0) => Math.max(realMs / factor, atLeastMs) };
}

/** Evenly drawn between two times. */
export function between(fromMs: number, toMs: number): number {
  return fromMs + Math.random() * (toMs - fromMs);
}

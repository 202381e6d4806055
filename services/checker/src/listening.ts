/** Without a snapshot for so long, verdicts are said once more each second, so that silence isn't taken for a dead checker. */
const beatsAfterMs = 2_000;

/** A checker that itself stood still for so long can't tell silence from its own deafness. */
const frozenMs = 2_000;

/**
 * How long no snapshot has come, by a monotonic clock: counted only while the checker could have heard one, that is
 * connected, caught up, and not frozen. What is claimed on it is checked against the stream before.
 */
export interface Listening {
  /** Since when it's silent: the newest snapshot's arrival, or when listening began. Absent while deaf. */
  sinceMs?: number;
  /** So long it was silent before listening began, as others have said already. */
  beforeMs: number;
  lookedAtMs: number;
}

export function startListening(nowMs: number): Listening {
  return { beforeMs: 0, lookedAtMs: nowMs };
}

/** A snapshot came and was new. */
export function heard(nowMs: number): Listening {
  return { sinceMs: nowMs, beforeMs: 0, lookedAtMs: nowMs };
}

/** A look at the clock. `beforeMs`: the silence that the memory holds already, in case listening begins here. */
export function look(
  listening: Listening,
  at: { nowMs: number; canHear: boolean; beforeMs: number },
): { listening: Listening; silentMs: number } {
  const { nowMs, canHear, beforeMs } = at;
  const wasFrozen = nowMs - listening.lookedAtMs > frozenMs;
  if (!canHear) return { listening: { beforeMs, lookedAtMs: nowMs }, silentMs: 0 };
  if (listening.sinceMs === undefined || wasFrozen) {
    return { listening: { sinceMs: nowMs, beforeMs, lookedAtMs: nowMs }, silentMs: 0 };
  }
  const silentMs = nowMs - listening.sinceMs + listening.beforeMs;
  return {
    listening: { ...listening, lookedAtMs: nowMs },
    // Whole seconds, so that several checkers say the same.
    silentMs: silentMs < beatsAfterMs ? 0 : Math.floor(silentMs / 1_000) * 1_000,
  };
}

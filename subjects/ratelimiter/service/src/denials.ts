/** A denial by Redis, as long as it's certain to hold. */
export type Denial = {
  cost: number;
  count: number;
  limit: number;
  remaining: number;
  freeAtMs: number;
  staleAtMs: number;
};

export type Denials = ReturnType<typeof createDenials>;

/**
 * Remembers denials for a moment, so that a hot key that is over its limit costs no round trip. It never denies
 * what Redis would admit by time, for it counts from before the question was sent. A reset or a raised limit made
 * at another node is seen `ageMaxMs` late; made here, at once.
 */
export function createDenials(ageMaxMs: number, entriesMax: number) {
  const denials = new Map<string, Denial>();
  return {
    remember(
      key: string,
      denied: { cost: number; count: number; limit: number; remaining: number; retryAfterMs: number },
      sentAtMs: number,
    ) {
      if (ageMaxMs === 0) return;
      const { retryAfterMs, ...denial } = denied;
      denials.delete(key);
      const oldest = denials.size < entriesMax ? undefined : denials.keys().next().value;
      if (oldest !== undefined) denials.delete(oldest);
      denials.set(key, { ...denial, freeAtMs: sentAtMs + retryAfterMs, staleAtMs: sentAtMs + ageMaxMs });
    },
    /** A cheaper request than the denied one might be admitted, and another limit makes another decision. */
    recall(key: string, cost: number, limit: number, nowMs: number): Denial | undefined {
      const denial = denials.get(key);
      if (!denial || cost < denial.cost || limit !== denial.limit) return undefined;
      if (nowMs < denial.freeAtMs && nowMs < denial.staleAtMs) return denial;
      denials.delete(key);
      return undefined;
    },
    forget: (key: string) => void denials.delete(key),
    clear: () => denials.clear(),
  };
}

/** When a request was sent and its answer received, by the asker's own monotonic clock. */
export type Admission = { sentAtMs: number; receivedAtMs: number };

/**
 * Proves from outside that no window admitted more than its limit. The limiter admitted somewhere between sending
 * and receiving, so an admission is counted for a window only when all of that lies inside: what is found is
 * certain, whatever the clocks of the limiter say. It looks at each window that ends with an admission, because
 * any other holds no more than one of those.
 */
export function createExactness(limitOf: (key: string) => { limit: number; windowMs: number }) {
  const admissions = new Map<string, Admission[]>();
  return {
    /** To be called in the order of receiving. Returns whether this admission was one too many. */
    admitted(key: string, admission: Admission): boolean {
      const { limit, windowMs } = limitOf(key);
      const beganMs = admission.receivedAtMs - windowMs;
      const inside = (admissions.get(key) ?? []).filter(({ sentAtMs }) => sentAtMs > beganMs);
      admissions.set(key, inside);
      const over = admission.sentAtMs > beganMs && inside.length >= limit;
      // What was one too many isn't held against the next one too: so the count is of those, not of moments.
      if (!over) inside.push(admission);
      return over;
    },
  };
}

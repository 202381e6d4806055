/** What a node knows of its way to Redis, from how its commands went. `atMs` are of the monotonic clock. */
export type Breaker = {
  connected: boolean;
  failures: number;
  lastSuccessAtMs: number | undefined;
  roundTripMs: number | undefined;
  reason: string;
};

export const unproven: Breaker = {
  connected: false,
  failures: 0,
  lastSuccessAtMs: undefined,
  roundTripMs: undefined,
  reason: "no command has succeeded yet",
};

export function afterSuccess(_before: Breaker, atMs: number, roundTripMs: number): Breaker {
  return { connected: true, failures: 0, lastSuccessAtMs: atMs, roundTripMs, reason: "" };
}

/** Counts failures in a row; the last of `failuresMax` opens the breaker, and only a success closes it. */
export function afterFailure(before: Breaker, reason: string, failuresMax: number): Breaker {
  const failures = before.failures + 1;
  return { ...before, failures, connected: before.connected && failures < failuresMax, reason };
}

/**
 * Does this reply say that Redis can't decide for anybody? An error about one key (WRONGTYPE) doesn't, and
 * mustn't take the protection away from all others.
 */
export function redisIsUnwell(reply: string): boolean {
  return /^(LOADING|READONLY|MISCONF|OOM|BUSY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM)\b/.test(reply);
}

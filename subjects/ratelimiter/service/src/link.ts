import { performance } from "node:perf_hooks";
import type { Redis } from "ioredis";
import { afterFailure, afterSuccess, type Breaker, redisIsUnwell, unproven } from "./breaker.ts";
import { keys } from "./keys.ts";

/** Redis didn't answer in time, or wasn't asked because it hadn't been answering. */
export class RedisUnavailable extends Error {
  override name = "RedisUnavailable";
}

export type Link = ReturnType<typeof createLink>;

export type LinkSettings = {
  nodeId: string;
  commandTimeoutMs: number;
  failuresMax: number;
  onChange: (connected: boolean, reason: string) => void;
  onRoundTrip: (roundTripMs: number) => void;
};

/**
 * The way to Redis with a circuit breaker: after some failures in a row nobody waits for Redis any more, while a
 * probe of its own keeps asking: at once, when the connection comes or goes, and whenever `probe` is called.
 */
export function createLink(redis: Redis, settings: LinkSettings) {
  let breaker: Breaker = unproven;
  let probing: Promise<void> | undefined;
  const greeters: (() => void)[] = [];

  function settle(next: Breaker): void {
    const changed = next.connected !== breaker.connected;
    breaker = next;
    if (!changed) return;
    settings.onChange(next.connected, next.reason);
    // A hiccup of a few requests is over by now: asking at once gives the protection back within a round trip.
    if (!next.connected) void probe();
    else for (const greet of greeters) greet();
  }

  async function attempt<T>(command: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      const value = await within(command(), settings.commandTimeoutMs);
      const endedAtMs = performance.now();
      settings.onRoundTrip(endedAtMs - startedAtMs);
      settle(afterSuccess(breaker, endedAtMs, endedAtMs - startedAtMs));
      return value;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const answered = error instanceof Error && error.name === "ReplyError" && !redisIsUnwell(reason);
      if (answered) throw error;
      settle(afterFailure(breaker, reason, settings.failuresMax));
      throw new RedisUnavailable(reason, { cause: error });
    }
  }

  /** A write, because a Redis that only reads (a replica, a full one) can't decide either. */
  function probe(): Promise<void> {
    probing ??= (async () => {
      try {
        do {
          await attempt(() => redis.set(keys.probe(settings.nodeId), "1", "PX", 60_000)).catch(() => undefined);
          // One failure may be a hiccup: ask again at once until it's a success or certain.
        } while (breaker.connected && breaker.failures > 0);
      } finally {
        probing = undefined;
      }
    })();
    return probing;
  }

  redis.on("ready", () => void probe());
  redis.on("close", () => void probe());
  // Each failed connect is told by the breaker's reason; without a listener the process would end.
  redis.on("error", () => undefined);

  return {
    /** Runs a command that somebody waits for; throws RedisUnavailable at once while the breaker is open. */
    run: <T>(command: () => Promise<T>): Promise<T> =>
      breaker.connected ? attempt(command) : Promise.reject(new RedisUnavailable(breaker.reason)),
    /** Runs a command whatever the breaker says: for heartbeats, which are probes as well. */
    attempt,
    probe,
    /** Calls back each time that Redis answers again, for what shouldn't wait for its next turn. */
    whenConnected: (greet: () => void) => void greeters.push(greet),
    state: (): Breaker => breaker,
  };
}

/**
 * Waits so long and no longer. When the time is up, what has already arrived is read first (setImmediate runs after
 * the sockets), so that a pause of our own event loop isn't held against Redis; ioredis' commandTimeout can't do this.
 */
function within<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => setImmediate(() => reject(new RedisUnavailable(`no answer from Redis within ${timeoutMs} ms`))),
      timeoutMs,
    );
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

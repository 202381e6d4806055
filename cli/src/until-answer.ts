import { setTimeout as wait } from "node:timers/promises";

/** What is listened for, or undefined when it didn't come in time. Throws when the signal fires, as nobody waits any more. */
export async function untilAnswer<Answer>(
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
  listen: (signal: AbortSignal) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const deadline = new AbortController();
  const stop = AbortSignal.any([signal, deadline.signal]);
  const timer = wait(waitMs, undefined, { signal: stop }).then(
    () => deadline.abort(),
    () => undefined,
  );
  try {
    const answer = await listen(stop);
    if (answer === undefined) signal.throwIfAborted();
    return answer;
  } finally {
    deadline.abort();
    await timer;
  }
}

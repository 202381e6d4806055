import { setTimeout as sleep } from "node:timers/promises";

/** Looks until something is there. Throws when the time is over, naming what it waited for, or when the signal fires. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs, signal, everyMs = 10 }: { withinMs: number; signal: AbortSignal; everyMs?: number },
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(everyMs, undefined, { signal });
  }
}

import { setTimeout as sleep } from "node:timers/promises";

/** Does something `count` times at a steady rate, without waiting for one to end before the next: load doesn't wait for us. */
export async function pace(
  { count, perSecond, signal }: { count: number; perSecond: number; signal: AbortSignal },
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  const startedMs = performance.now();
  const underWay: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const waitMs = startedMs + (index * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    signal.throwIfAborted();
    const acted = act(index);
    acted.catch(() => {}); // heard below
    underWay.push(acted);
  }
  await Promise.all(underWay);
}

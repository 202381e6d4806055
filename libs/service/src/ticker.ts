import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceContext } from "./service-context.ts";

/**
 * Does something on a rhythm until the service stops: never two at once, a late one skips beats instead of piling up. A
 * failure is counted and logged, and the next beat tries again. `tick` is told by its signal to give up after `limitMs`.
 */
export async function ticker(
  context: Pick<ServiceContext, "log" | "metrics" | "signal">,
  options: { name: string; everyMs: number; limitMs?: number; tick: (signal: AbortSignal) => Promise<void> },
): Promise<void> {
  const { name, everyMs, limitMs = 30_000, tick } = options;
  const { signal, log, metrics } = context;
  for (let beatMs = performance.now(); !signal.aborted;) {
    const started = performance.now();
    const limit = AbortSignal.timeout(limitMs);
    let failed = false;
    try {
      await tick(AbortSignal.any([signal, limit]));
    } catch (error) {
      if (signal.aborted) return;
      failed = true;
      log.error({ tick: name, err: error }, "tick failed");
    }
    metrics.ticked(name, (performance.now() - started) / 1000, failed);
    const now = performance.now();
    const beats = Math.max(1, Math.ceil((now - beatMs) / everyMs));
    beatMs += beats * everyMs;
    await sleep(Math.max(0, beatMs - now), undefined, { signal }).catch(() => {});
  }
}

/**
 * Waits until something holds, asking every 20 ms; returns how long it took. Says what it waited for when it never did, and
 * what it saw last.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 30_000,
  seen: () => string = () => "",
): Promise<number> {
  const startedMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedMs > withinMs) {
      throw new Error(`waited ${withinMs} ms in vain until ${what}${seen()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - startedMs;
}

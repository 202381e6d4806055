/**
 * Does some work now and then every `periodMs`, never twice at a time. What the work throws goes to `onError`: the
 * next turn tries again. `now` does it out of turn; `stop` ends it and waits for a turn that is under way.
 */
export function inRhythm(periodMs: number, work: () => Promise<unknown>, onError: (error: unknown) => void) {
  let running: Promise<unknown> | undefined;
  let stopped = false;
  const turn = (): void => {
    if (stopped) return;
    running ??= work()
      .catch(onError)
      .finally(() => (running = undefined));
  };
  const timer = setInterval(turn, periodMs);
  turn();
  return {
    now: turn,
    stop: async (): Promise<void> => {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

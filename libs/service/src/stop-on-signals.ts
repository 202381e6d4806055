import { setTimeout as sleep } from "node:timers/promises";

/** Fires at SIGTERM or SIGINT, once; what doesn't end within `stopMsMax`, or a second signal, ends the process at once. */
export function stopOnSignals(stopMsMax: number, say: (msg: string) => void): { signal: AbortSignal } {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) {
      say(`${signal} again, ending at once`);
      process.exit(1);
    }
    say(`${signal}, stopping`);
    stop.abort();
    void sleep(stopMsMax, undefined, { ref: false }).then(() => {
      say(`not stopped after ${stopMsMax} ms, ending at once`);
      process.exit(1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return { signal: stop.signal };
}

import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Seen } from "./watch.ts";

const wellTimes = 3;
/** After a change of a leader somewhere a subject may need a minute and more to know itself again. */
const wellWithinMs = 150_000;

/**
 * Waits until the same lines are all ok, three verdicts in a row: nothing fires, nothing is explained, nothing is about to
 * fire. Resolves with what isn't so when the time is over; undefined when all is well, or on the signal.
 */
export async function untilWell(
  subscribe: (listener: (seen: Seen) => void) => () => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let well = { lines: 0, times: 0 };
  let lines: VerdictLine[] = [];
  const unsubscribe = subscribe((seen) => {
    if (seen.kind !== "verdicts") return;
    lines = seen.message.lines;
    const isWell = lines.length > 0 && lines.every(({ state }) => state === "ok");
    const times = isWell ? (well.lines === lines.length ? well.times + 1 : 1) : 0;
    well = { lines: lines.length, times };
    if (times === wellTimes) resolve(undefined);
  });
  const timer = setTimeout(() => resolve(notWell(lines)), wellWithinMs);
  const stopped = () => resolve(undefined);
  signal.addEventListener("abort", stopped, { once: true });
  if (signal.aborted) stopped();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stopped);
    unsubscribe();
  }
}

function notWell(lines: VerdictLine[]): string {
  const unwell = lines.filter(({ state }) => state !== "ok");
  const what = unwell.map(({ invariant, target, state, reason }) => `${invariant} of ${target} is ${state}: ${reason}`);
  const because = what.length > 0 ? what.join("; ") : "the checker doesn't say three times in a row that all is ok";
  return `not everything became ok within ${wellWithinMs / 1_000} s: ${because}`;
}

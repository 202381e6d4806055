import type { Source } from "@operator/subject/observation";
import type { Clock } from "./clock.ts";
import { afterRead, type ReadResult, type SourceSight } from "./observe.ts";

/** A source that is being read. */
export interface Poll {
  /** Resolves when the signal has fired and the last read is over. Rejects when an assumption is broken. */
  ended: Promise<void>;
  /** Reads it at once instead of on the next beat; resolves when a read that began after the call is over. */
  readNow: () => Promise<void>;
}

/** Reads a source on its rhythm until the signal fires: never two reads at once, each bounded, a failure is a report. */
export function startPoll(
  source: Source,
  options: {
    clock: Clock;
    signal: AbortSignal;
    /** Replaces what is known of the source. */
    update: (next: (sight: SourceSight) => SourceSight) => void;
    onRead: (result: ReadResult) => void;
  },
): Poll {
  const { clock, signal } = options;
  let hanging: Promise<unknown> | undefined;
  let waiting: (() => void)[] = [];
  let goOn = () => {};
  signal.addEventListener("abort", () => goOn(), { once: true });

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const dueMs = performance.now() + source.rhythmMs;
      const served = waiting;
      waiting = [];
      await read();
      for (const done of served) done();
      if (waiting.length > 0 || signal.aborted) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      goOn = resolve;
      const timer = setTimeout(resolve, Math.max(0, dueMs - performance.now()));
      await promise;
      clearTimeout(timer);
    }
    for (const done of waiting) done();
  }

  async function read(): Promise<void> {
    const startedAtMs = clock();
    const { result, unfinished } = hanging ? { result: stillHangs(source) } : await readOnce(source, signal);
    if (signal.aborted) return;
    if (unfinished) {
      hanging = unfinished.finally(() => {
        hanging = undefined;
      });
    }
    const expected = expectedOf(source);
    options.update((sight) => afterRead(sight, { result, expected, startedAtMs, endedAtMs: clock() }));
    options.onRead(result);
  }

  return {
    ended: run(),
    readNow: () =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        waiting.push(resolve);
        goOn();
      }),
  };
}

/** The targets that a source is to read; none when it can't say. */
export function expectedOf(source: Source): string[] {
  try {
    return source.targets();
  } catch {
    return [];
  }
}

async function readOnce(
  source: Source,
  outer: AbortSignal,
): Promise<{ result: ReadResult; unfinished?: Promise<unknown> }> {
  const abort = new AbortController();
  const reading = (async (): Promise<{ result: ReadResult }> => {
    try {
      return { result: { readings: await source.read(abort.signal) } };
    } catch (error) {
      return { result: abort.signal.aborted ? ranOut(source) : { error: errorOf(error) } };
    }
  })();
  const { promise: givenUp, resolve } = Promise.withResolvers<{ result: ReadResult; unfinished: Promise<unknown> }>();
  const giveUp = () => {
    abort.abort(new Error(`${source.name}: no end after ${source.timeoutMs} ms, or stopping`));
    // One turn for a read that ends by the signal, as it should, to say what it has.
    setImmediate(() => resolve({ result: ranOut(source), unfinished: reading }));
  };
  const timer = setTimeout(giveUp, source.timeoutMs);
  outer.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([reading, givenUp]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", giveUp);
  }
}

function ranOut({ timeoutMs }: Source): ReadResult {
  return { error: { code: "SOURCE_TIMEOUT", message: `the read didn't end within ${timeoutMs} ms` } };
}

function stillHangs({ timeoutMs }: Source): ReadResult {
  return {
    error: {
      code: "SOURCE_HANGS",
      message: `an earlier read, given up after ${timeoutMs} ms, hasn't ended: no second one is begun beside it`,
    },
  };
}

function errorOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "SOURCE_FAILED", message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return { code, message: error.message };
}

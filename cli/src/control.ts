import type { Bus } from "@operator/bus/bus";
import type { Bucket } from "@operator/bus/bucket";
import { BusError } from "@operator/bus/failure";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { CliError } from "./cli-error.ts";

const openWithinMs = 3_000;

/** The bucket `control`. A bus that has none would let everybody wait for it: better said at once. */
export async function openControl(bus: Bus): Promise<Bucket<Control>> {
  const opening = bus.bucket("control", Control);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(
        new CliError(
          "BUS_INCOMPLETE",
          `the bus's bucket "control" didn't answer within ${openWithinMs / 1000} s: is it there (operator provision)?`,
        ),
      ),
    openWithinMs,
  );
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
    // Whichever lost the race has nothing to say any more.
    opening.catch(() => undefined);
  }
}

export async function readControl(bucket: Bucket<Control>): Promise<Control> {
  return (await bucket.get(controlKey))?.value ?? controlAtFirst;
}

/** A change of the mode that the bus has stored. */
export interface Changed {
  now: Control;
  /** What it replaced; absent when that couldn't be read. */
  before?: Control;
  /** How often another write came first. */
  conflicts: number;
}

/**
 * Writes the mode as it's computed from what stands there, by compare-and-set, and again at once when another write came
 * first: whoever claims at that time has claimed before or doesn't at all.
 */
export async function changeControl(
  bucket: Bucket<Control>,
  next: (before: Control) => Control,
  { withinMs, signal }: { withinMs: number; signal: AbortSignal },
): Promise<Changed> {
  const end = performance.now() + withinMs;
  for (let conflicts = 0; ; conflicts += 1) {
    signal.throwIfAborted();
    const entry = await bucket.get(controlKey);
    const before = entry?.value ?? controlAtFirst;
    const now = next(before);
    const written = entry ? await bucket.update(controlKey, now, entry.revision) : await bucket.create(controlKey, now);
    if (written !== "conflict") return { now, before, conflicts };
    if (performance.now() > end) throw contention(withinMs, conflicts + 1);
  }
}

/**
 * Stops all acting: mode `observe` in a new term, so that nothing approved before is claimed any more. What is in flight
 * stays named. Also over an entry that can't be read, as somebody else may be able to read it.
 */
export async function stopActing(
  bucket: Bucket<Control>,
  given: { by: string; reason: string; atMs: number },
  limits: { withinMs: number; signal: AbortSignal },
): Promise<Changed> {
  try {
    return await changeControl(bucket, (before) => observing(before, before.term + 1, given), limits);
  } catch (error) {
    if (!(error instanceof BusError && error.code === "BAD_VALUE")) throw error;
  }
  for (let conflicts = 0; conflicts < unreadableTriesMax; conflicts += 1) {
    const revision = await revisionOf(bucket);
    // No earlier term is known, so one that none can have come to: what was signed for those must not count again.
    const now = observing(controlAtFirst, given.atMs, given);
    if ((await bucket.update(controlKey, now, revision)) !== "conflict") return { now, conflicts };
  }
  throw contention(limits.withinMs, unreadableTriesMax);
}

const unreadableTriesMax = 100;

function observing(
  before: Control,
  term: number,
  { by, reason, atMs }: { by: string; reason: string; atMs: number },
): Control {
  return { mode: "observe", term, by, atMs, reason, inFlight: before.inFlight };
}

async function revisionOf(bucket: Bucket<Control>): Promise<number> {
  let revision = 0;
  for await (const batch of bucket.scan()) {
    for (const found of batch) if (found.key === controlKey) ({ revision } = found);
  }
  return revision;
}

function contention(withinMs: number, tries: number): CliError {
  return new CliError(
    "BUS_REJECTED",
    `nothing was written: another write of "control" came first ${tries} times in ${withinMs / 1000} s; try again`,
  );
}

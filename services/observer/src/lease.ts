import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Bucket } from "@operator/bus/bucket";
import { InstanceName } from "@operator/contracts/names";
import { z } from "zod";

/** The entry of the bucket `leases`: who is active. `tenure` tells one hold from the next by the same instance. */
export const LeaseEntry = z.object({ instance: InstanceName, tenure: z.string(), beat: z.int().nonnegative() });
export type LeaseEntry = z.infer<typeof LeaseEntry>;

/** A lease while it's held. */
export interface Held {
  /** The revision that created the entry: a later holder has a larger one. */
  epoch: number;
  /** Fires when the lease is lost or to be given back: nothing may be said in its name any more. */
  signal: AbortSignal;
  /** For so long it surely is ours, also when this process was frozen meanwhile; 0 when it isn't. */
  remainingMs: () => number;
}

export type LeaseNews =
  | { kind: "standing-by" }
  | { kind: "active"; epoch: number }
  | { kind: "lost"; epoch: number; why: "not-renewed" | "taken" }
  | { kind: "given-back"; epoch: number }
  | { kind: "bus-failed"; error: unknown };

/** The bucket forgets an entry after 2 s; half a second of it is for what is on its way. */
const validMs = 1_500;
const renewEveryMs = 500;
const tryEveryMs = 400;
const giveBackMs = 1_000;

/**
 * Takes the lease whenever it's free and works while it's held, until the signal fires. Whoever creates the entry holds
 * it, and renews it by compare-and-set. Time is counted from before each request, so ours ends before the bucket's does.
 */
export async function holdLease(options: {
  bucket: Bucket<LeaseEntry>;
  key: string;
  instance: InstanceName;
  signal: AbortSignal;
  whileHeld: (held: Held) => Promise<void>;
  news: (news: LeaseNews) => void;
}): Promise<void> {
  const { bucket, key, instance, signal, news } = options;
  let stoodBy = false;
  while (!signal.aborted) {
    const entry: LeaseEntry = { instance, tenure: randomUUID(), beat: 0 };
    const askedMs = performance.now();
    const created = await until(signal, bucket.create(key, entry)).catch((error: unknown) => {
      news({ kind: "bus-failed", error });
    });
    if (created === "conflict" && !stoodBy) news({ kind: "standing-by" });
    stoodBy = created === "conflict";
    if (typeof created === "number") await serve(entry, created, askedMs + validMs, options);
    await wait(tryEveryMs, undefined, { signal }).catch(() => {});
  }
}

/** One tenure, from creation to loss or end. */
async function serve(
  entry: LeaseEntry,
  epoch: number,
  validUntilMs: number,
  options: Parameters<typeof holdLease>[0],
): Promise<void> {
  const { bucket, key, signal, whileHeld, news } = options;
  const over = new AbortController();
  let revision = epoch;
  let validUntil = validUntilMs;
  let lost: "not-renewed" | "taken" | undefined;

  const lose = (why: "not-renewed" | "taken") => {
    if (over.signal.aborted) return;
    lost = why;
    validUntil = 0;
    over.abort(new Error(`the lease ${key} is lost: ${why}`));
  };
  const stop = () => over.abort(new Error("stopping"));
  let expiry = setTimeout(() => lose("not-renewed"), Math.max(0, validUntil - performance.now()));
  signal.addEventListener("abort", stop, { once: true });
  // `addEventListener` says nothing of a signal that has fired already.
  if (signal.aborted) stop();

  const remainingMs = () => (over.signal.aborted ? 0 : Math.max(0, validUntil - performance.now()));

  async function renew(): Promise<void> {
    for (let beat = 1; !over.signal.aborted; beat += 1) {
      await wait(renewEveryMs, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) return;
      const askedMs = performance.now();
      try {
        const renewed = await bucket.update(key, { ...entry, beat }, revision);
        if (renewed === "conflict") return lose("taken");
        revision = renewed;
      } catch (error) {
        news({ kind: "bus-failed", error });
        continue;
      }
      // Once lost it stays lost, also when the entry turns out to be ours still.
      if (over.signal.aborted) return;
      validUntil = askedMs + validMs;
      clearTimeout(expiry);
      expiry = setTimeout(() => lose("not-renewed"), Math.max(0, validUntil - performance.now()));
    }
  }

  const renewing = renew();
  // An entry that is still ours, as we stop or as the bus was slow, would only keep others waiting.
  async function giveBack(): Promise<void> {
    await renewing;
    await bucket.remove(key, revision);
  }

  try {
    // A creation that took too long is no lease: perhaps the bucket has forgotten it by now.
    if (remainingMs() === 0) return;
    news({ kind: "active", epoch });
    await whileHeld({ epoch, signal: over.signal, remainingMs });
    news(lost ? { kind: "lost", epoch, why: lost } : { kind: "given-back", epoch });
  } finally {
    clearTimeout(expiry);
    signal.removeEventListener("abort", stop);
    over.abort(new Error("the tenure is over"));
    await until(AbortSignal.timeout(giveBackMs), giveBack()).catch((error: unknown) =>
      news({ kind: "bus-failed", error }),
    );
  }
}

/** What the promise comes to; undefined when the signal fires first, as a bus that is away keeps its callers for long. */
async function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  const { promise: fired, resolve } = Promise.withResolvers<undefined>();
  const fire = () => resolve(undefined);
  signal.addEventListener("abort", fire, { once: true });
  if (signal.aborted) fire();
  try {
    return await Promise.race([promise, fired]);
  } finally {
    signal.removeEventListener("abort", fire);
  }
}

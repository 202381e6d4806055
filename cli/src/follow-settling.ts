import { setTimeout as wait } from "node:timers/promises";
import type { Bucket } from "@operator/bus/bucket";
import type { Control, InFlight } from "@operator/contracts/control";
import { readControl } from "./control.ts";

/** The claims of these that aren't settled yet: still named by `control`, by who claimed and when. */
export function unsettledOf(claims: readonly InFlight[], { inFlight }: Pick<Control, "inFlight">): InFlight[] {
  const named = Object.values(inFlight);
  return claims.filter((claim) =>
    named.some((one) => one?.action === claim.action && one.claimedAtMs === claim.claimedAtMs && one.by === claim.by),
  );
}

/** Looks until all of them are settled, or the time is up: those that aren't. Each that settles is told. */
export async function followSettling(
  bucket: Bucket<Control>,
  claims: readonly InFlight[],
  { withinMs, signal, each }: { withinMs: number; signal: AbortSignal; each: (settled: InFlight) => void },
): Promise<InFlight[]> {
  const end = performance.now() + withinMs;
  let left = [...claims];
  for (;;) {
    const still = unsettledOf(left, await readControl(bucket));
    for (const claim of left) if (!still.includes(claim)) each(claim);
    left = still;
    if (left.length === 0 || performance.now() > end) return left;
    await wait(rhythmMs, undefined, { signal });
  }
}

const rhythmMs = 100;

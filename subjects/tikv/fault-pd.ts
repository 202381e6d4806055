import type { FaultHands } from "@operator/subject/fault";
import { type PdWriter, withPd } from "./pd-write.ts";

/**
 * PD's API for a fault. Under the name that PD gives to whoever tells none: its audit log is something that diagnoses read,
 * and they aren't to copy the answer from it.
 */
export async function asAnonymous<Result>(
  { environment }: FaultHands,
  signal: AbortSignal,
  work: (pd: PdWriter) => Promise<Result>,
): Promise<Result> {
  return await withPd({ callerId: "anonymous", environment, signal }, work);
}

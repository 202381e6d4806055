import type { Reading } from "@operator/subject/observation";
import type { ReadToolHands } from "@operator/subject/read-tool";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { readSettings } from "./settings.ts";

/** Asks PD for a read tool. Questions are seldom, so each has connections of its own, closed with its answer. */
export async function withPd<Said>(
  { environment }: ReadToolHands,
  read: (pd: PdClient) => Promise<Said>,
): Promise<Said> {
  const dispatcher = pdDispatcher();
  try {
    return await read(new PdClient(readSettings(environment).TIKV_PD_ENDPOINTS, dispatcher));
  } finally {
    await dispatcher.destroy();
  }
}

/** What a source read of a target. Throws why there's nothing. */
export function valueOf(readings: Record<string, Reading>, target: string): unknown {
  const reading = readings[target];
  if (reading && "value" in reading) return reading.value;
  throw new Error(reading && "error" in reading ? reading.error.message : `nothing was read of ${target}`);
}

import type { Bus } from "@operator/bus/bus";
import { Silence } from "@operator/contracts/silence";

/** The silences that are kept, those that end first before the others; some may be over. */
export async function readSilences(bus: Bus): Promise<Silence[]> {
  const entries = await (await bus.bucket("silences", Silence)).entries();
  return entries.map(({ value }) => value).sort((a, b) => a.untilMs - b.untilMs || (a.id < b.id ? -1 : 1));
}

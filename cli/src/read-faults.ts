import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";

/** A fault as the journal has it: how it began, its newest word, and whether it was proved. */
export interface JournalFault {
  began: FaultEvent;
  newest: FaultEvent;
  isProved: boolean;
  /** It may have an effect: begun, and not reverted. */
  isOpen: boolean;
}

/** Every fault of the journal that was begun, in that order. */
export async function readFaults(bus: Bus, signal: AbortSignal, subject?: string): Promise<JournalFault[]> {
  const events: FaultEvent[] = [];
  const given = subject === undefined ? {} : { subject };
  for await (const { received, caughtUp } of readInOrder(bus, flow.fault, { given, from: "first", signal })) {
    events.push(...received.map(({ message }) => message));
    if (caughtUp) break;
  }
  signal.throwIfAborted();
  return faultsOf(events);
}

/** What the journal's events come to. */
export function faultsOf(events: readonly FaultEvent[]): JournalFault[] {
  const faults = new Map<string, JournalFault>();
  for (const event of events) {
    const key = `${event.subject}.${event.id}`;
    const known = faults.get(key);
    if (event.phase === "injecting") faults.set(key, { began: event, newest: event, isProved: false, isOpen: true });
    // One that was planned or refused has no effect.
    else if (known) {
      faults.set(key, {
        began: known.began,
        newest: event,
        isProved: known.isProved || event.phase === "proved",
        isOpen: known.isOpen && event.phase !== "reverted",
      });
    }
  }
  return [...faults.values()];
}

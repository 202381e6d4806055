import { readInOrder } from "@operator/bus/read-in-order";
import type { Bus } from "@operator/bus/bus";
import type { Channel } from "@operator/contracts/channel";
import type { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";

/** What was seen on the bus, with the time of its arrival here on the monotonic clock, in ms. */
export type Seen = { atMs: number } & (
  | { kind: "snapshot"; message: Snapshot }
  | { kind: "verdicts"; message: Verdicts }
  | { kind: "violation"; message: Violation }
  | { kind: "ticket"; message: Ticket }
  | { kind: "diagnosis"; message: DiagnosisEvent }
);

/** Calls the listener for every message of the loop about a subject from now on, until the signal. Resolves when all readers have ended. */
export async function watch(
  bus: Bus,
  subject: string,
  signal: AbortSignal,
  listener: (seen: Seen) => void,
): Promise<void> {
  const read = async <Message>(channel: Channel<Message>, say: (message: Message, atMs: number) => void) => {
    for await (const { received } of readInOrder(bus, channel, { given: { subject }, from: "new", signal })) {
      for (const { message } of received) say(message, performance.now());
    }
  };
  await Promise.all([
    read(flow.snapshot, (message, atMs) => listener({ kind: "snapshot", message, atMs })),
    read(flow.verdicts, (message, atMs) => listener({ kind: "verdicts", message, atMs })),
    read(flow.violation, (message, atMs) => listener({ kind: "violation", message, atMs })),
    read(flow.ticket, (message, atMs) => listener({ kind: "ticket", message, atMs })),
    read(flow.diagnosis, (message, atMs) => listener({ kind: "diagnosis", message, atMs })),
  ]);
}

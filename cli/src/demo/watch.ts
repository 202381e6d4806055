import { readInOrder } from "@operator/bus/read-in-order";
import type { Bus } from "@operator/bus/bus";
import { flow, type MessageOf } from "@operator/contracts/flow";
import type { Channel } from "@operator/contracts/channel";

const kinds = ["snapshot", "verdicts", "violation", "ticket", "diagnosis", "action", "fault"] as const;
type Kind = (typeof kinds)[number];

/** What was seen on the bus, with the time of its arrival here on the monotonic clock, in ms. */
export type Seen = { [K in Kind]: { atMs: number; kind: K; message: MessageOf<K> } }[Kind];

/** Calls the listener for every message about a subject from now on, until the signal. Resolves when all readers have ended. */
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
    read(flow.action, (message, atMs) => listener({ kind: "action", message, atMs })),
    read(flow.fault, (message, atMs) => listener({ kind: "fault", message, atMs })),
  ]);
}

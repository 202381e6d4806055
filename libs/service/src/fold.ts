import { setTimeout as sleep } from "node:timers/promises";
import { BusError } from "@operator/bus/failure";
import { type Batch, readInOrder } from "@operator/bus/read-in-order";
import { inTrace } from "@operator/bus/trace";
import type { Channel } from "@operator/contracts/channel";
import type { ServiceContext } from "./service-context.ts";

/**
 * Reads a channel in order until the service stops, one batch after the other. `handle` is called again with the same batch
 * when the bus was away for longer than a write waits, so it must stand a repeat; any other throw ends the service.
 */
export async function fold<M>(
  context: ServiceContext,
  channel: Channel<M>,
  options: {
    given?: Record<string, string>;
    from: { after: number } | "first" | "new" | "last";
    batchMax?: number;
    /** When what a message tells of happened, for the lag. */
    eventTime: (message: M) => number;
    handle: (batch: Batch<M>) => Promise<void>;
  },
): Promise<void> {
  const { bus, metrics, signal } = context;
  const { given, batchMax, from, eventTime, handle } = options;
  const reading = readInOrder(bus, channel, {
    from,
    signal,
    ...(given === undefined ? {} : { given }),
    ...(batchMax === undefined ? {} : { batchMax }),
  });
  for await (const batch of reading) {
    const started = performance.now();
    const newest = batch.received.at(-1);
    await inTrace(newest?.traceparent, () => insist(context, channel.name, () => handle(batch)));
    if (newest === undefined) continue;
    metrics.handled(channel.name, (performance.now() - started) / 1000);
    metrics.lag(channel.name, Math.max(0, Date.now() - eventTime(newest.message)) / 1000);
  }
}

async function insist(context: ServiceContext, channel: string, handle: () => Promise<void>): Promise<void> {
  while (!context.signal.aborted) {
    try {
      return await handle();
    } catch (error) {
      if (context.signal.aborted) return;
      if (!(error instanceof BusError && error.code === "BUS_AWAY")) throw error;
      context.log.warn({ channel, err: error }, "the bus is away, handling the same again");
      await sleep(200);
    }
  }
}

import type { Received } from "@operator/bus/received";
import { workInOrder } from "@operator/bus/work";
import type { Channel } from "@operator/contracts/channel";
import type { WorkerName } from "@operator/contracts/streams";
import type { ServiceContext } from "./service-context.ts";

/** One slot that does the work of these workers, the first one's before the next one's, until the service stops. */
export async function worker<M>(
  context: ServiceContext,
  names: WorkerName | readonly WorkerName[],
  channel: Channel<M>,
  options: {
    handle: (received: Received<M> & { deliveries: number }, signal: AbortSignal) => Promise<void>;
    exhausted: (received: Received<M>) => Promise<void>;
  },
): Promise<void> {
  const { bus, metrics, signal } = context;
  await workInOrder(bus, typeof names === "string" ? [names] : names, channel, {
    signal,
    exhausted: options.exhausted,
    handle: async (received, handleSignal) => {
      const started = performance.now();
      try {
        await options.handle(received, handleSignal);
      } finally {
        metrics.handled(channel.name, (performance.now() - started) / 1000);
      }
    },
  });
}

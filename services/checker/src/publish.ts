import type { Bus } from "@operator/bus/bus";
import { BusError } from "@operator/bus/failure";
import type { Channel } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Logger } from "@operator/service/log";
import type { Assessment } from "./check.ts";

/** What one batch of inputs has to say. */
export type Said = Pick<Assessment, "evidence" | "violations"> & {
  verdicts: Exclude<Assessment["verdicts"], undefined>[];
};

/** In flight at once; a checker that catches up says hundreds. */
const inFlightMax = 64;

/**
 * Says what follows from the inputs, all at once: a breach is written first on the one connection, as people wait for it,
 * and what it cites right behind it, long before anybody who was told could look it up. Nobody waits for an acknowledgement
 * in between, which would cost a turn of the bus. Ids are computed, so when this process dies, who goes on from the
 * checkpoint says the rest, and a repeat folds into itself.
 */
export async function publish(bus: Bus, log: Logger, said: Said, signal: AbortSignal): Promise<void> {
  const broken = all(bus, flow.violation, said.violations, signal);
  const cited = all(bus, flow.evidence, said.evidence, signal).catch((error: unknown) => {
    // Full or too large: a breach that can't be shown must still be told. Who looks the evidence up finds it missing.
    if (!(error instanceof BusError) || error.code === "BUS_AWAY" || error.code === "BUS_FORBIDDEN") throw error;
    log.error({ err: error }, "evidence refused by the bus");
  });
  await Promise.all([broken, cited, all(bus, flow.verdicts, said.verdicts, signal)]);
}

async function all<M>(bus: Bus, channel: Channel<M>, messages: readonly M[], signal: AbortSignal): Promise<void> {
  for (let i = 0; i < messages.length; i += inFlightMax) {
    const some = messages.slice(i, i + inFlightMax).map((message) => bus.publish(channel, message, { signal }));
    await Promise.all(some);
  }
}

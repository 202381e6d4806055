import { JetStreamApiError } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { z } from "zod";
import type { Sealed } from "./envelope.ts";
import { BusError, isAddressTaken } from "./failure.ts";
import { failpoint } from "./failpoint.ts";
import type { Link } from "./link.ts";

/** In flight when the bus dies, a request hangs for so long: short, as the same id is sent again. */
export const ackTimeoutMs = 750;

const Acknowledgement = z.compile(
  z.object({
    stream: z.string().optional(),
    seq: z.int().optional(),
    duplicate: z.boolean().optional(),
    error: z.object({ code: z.int(), err_code: z.int(), description: z.string() }).optional(),
  }),
);

/** Stores one message and waits for the server's word. Throws the server's error. */
export async function store(
  link: Link,
  address: string,
  body: Uint8Array | string,
  headers: MsgHdrs,
): Promise<{ sequence: number; duplicate: boolean }> {
  const answer = await link.ask(address, body, { headers, timeoutMs: ackTimeoutMs });
  const { error, stream, seq, duplicate } = Acknowledgement.parse(answer.json());
  if (error) throw new JetStreamApiError(error);
  if (stream === undefined || seq === undefined) {
    throw new BusError("BUS_REJECTED", `${address}: "${answer.string()}" is no acknowledgement of a stream`);
  }
  return { sequence: seq, duplicate: duplicate ?? false };
}

/**
 * Sends a message with the same id until the bus has it. `repeat`: it had it already; the sequence is 0 when the address
 * holds its one message, which then isn't ours to read.
 */
export async function send(
  link: Link,
  channel: string,
  sealed: Sealed,
  options: { deadlineMs?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<{ sequence: number; stored: "new" | "repeat" }> {
  const sent = await failpoint(`publish:${channel}`, () =>
    link.insist(
      `publish ${sealed.id} to ${sealed.address}`,
      async () => {
        try {
          const { sequence, duplicate } = await store(link, sealed.address, sealed.body, sealed.headers);
          return { sequence, stored: duplicate ? ("repeat" as const) : ("new" as const) };
        } catch (error) {
          if (isAddressTaken(error)) return { sequence: 0, stored: "repeat" as const };
          throw error;
        }
      },
      options,
    ),
  );
  link.counters.sent?.(channel, sent.stored);
  return sent;
}

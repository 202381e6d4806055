/** What the server says of a delivery, in the address that an acknowledgement goes to. */
export interface Delivery {
  stream: string;
  deliveries: number;
  sequence: number;
  /** Counts what this consumer was sent: a jump means that something went missing on the way. */
  consumerSequence: number;
  storedAtMs: number;
  /** Messages that wait at the server behind this one. */
  waiting: number;
}

/** Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<time>.<waiting>`, or the newer form with domain and account. */
export function deliveryOf(reply: string): Delivery {
  const tokens = reply.split(".");
  const from = tokens.length === 9 ? 2 : 4;
  const [stream = "", , deliveries, sequence, consumerSequence, nanoseconds, waiting] = tokens.slice(from);
  if (!reply.startsWith("$JS.ACK.") || waiting === undefined) {
    throw new Error(`"${reply}" is no acknowledgement address of the bus: the server's version isn't known here`);
  }
  return {
    stream,
    deliveries: Number(deliveries),
    sequence: Number(sequence),
    consumerSequence: Number(consumerSequence),
    storedAtMs: Math.floor(Number(nanoseconds) / 1e6),
    waiting: Number(waiting),
  };
}

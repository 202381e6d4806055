import { jetstream } from "@nats-io/jetstream";
import { type RawAt, rawConnect } from "./baseline-hops.ts";

/**
 * Compare-and-set on a bucket's keys by the client library alone: each slot creates a key and updates it once, then
 * takes the next. Resolves with the writes per second over at least `durationMs`.
 */
export async function rawCompareAndSet(
  at: RawAt,
  given: {
    bucket: string;
    keyPrefix: string;
    bytes: number;
    concurrency: number;
    durationMs: number;
    signal: AbortSignal;
  },
): Promise<number> {
  const connection = await rawConnect(at);
  try {
    const client = jetstream(connection);
    const value = Buffer.alloc(given.bytes, "x");
    const started = performance.now();
    let [written, nextKey] = [0, 0];
    const isOver = () => given.signal.aborted || performance.now() - started >= given.durationMs;
    const slot = async () => {
      while (!isOver()) {
        const address = `$KV.${given.bucket}.${given.keyPrefix}-${nextKey++}`;
        const { seq } = await client.publish(address, value, { expect: { lastSubjectSequence: 0 } });
        await client.publish(address, value, { expect: { lastSubjectSequence: seq } });
        written += 2;
      }
    };
    await Promise.all(Array.from({ length: given.concurrency }, slot));
    return (written * 1_000) / (performance.now() - started);
  } finally {
    await connection.close();
  }
}

import { randomBytes } from "node:crypto";
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { createInbox, type Msg, nanos } from "@nats-io/transport-node";
import { deliveryOf } from "./delivery.ts";
import { ConnectionLost } from "./failure.ts";
import type { Link } from "./link.ts";
import type { Pulled } from "./ordered-pull.ts";

const batchMax = 512;
const silenceMsMax = 3_000;

/** The newest message of each address that a stream has now, in order. Throws when the connection goes away meanwhile. */
export async function readPresent(link: Link, stream: string, filter: string): Promise<Pulled[]> {
  const found = new Map<string, Pulled>();
  for await (const batch of presentBatches(link, stream, filter, "newest")) {
    // An address that was written anew meanwhile comes twice: the later one counts.
    for (const pulled of batch) found.set(pulled.address, pulled);
  }
  return [...found.values()].sort((a, b) => a.sequence - b.sequence);
}

/** In batches: the newest of each address, or all after a sequence. An address may come again when it's written meanwhile. */
export async function* presentBatches(
  link: Link,
  stream: string,
  filter: string,
  from: "newest" | { after: number },
): AsyncGenerator<Pulled[], void, undefined> {
  const { name } = await link.api.consumers.add(stream, {
    name: `present-${randomBytes(12).toString("hex")}`,
    filter_subject: filter,
    ack_policy: AckPolicy.None,
    ...(from === "newest"
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.after + 1 }),
    inactive_threshold: nanos(5_000),
    mem_storage: true,
    num_replicas: 1,
  });
  for (;;) {
    const batch = await pullPresent(link, `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`);
    if (batch.length === 0) return;
    yield batch;
  }
}

/** What waits now, up to a batch. Asked without waiting, as messages that were counted may have expired since. */
async function pullPresent(link: Link, next: string): Promise<Pulled[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Pulled[]>();
  const batch: Pulled[] = [];
  const inbox = createInbox(link.inboxPrefix);
  const take = (error: Error | null, msg: Msg) => {
    timer.refresh();
    if (error) return reject(error);
    // A status ends what was asked for: nothing more, or the batch is full.
    if (msg.headers?.code) return resolve(batch);
    batch.push({ address: msg.subject, headers: msg.headers, body: msg.data, ...deliveryOf(msg.reply ?? "") });
    if (batch.length === batchMax) resolve(batch);
  };
  const subscription = link.connection.subscribe(inbox, { callback: take });
  const timer = setTimeout(() => reject(new ConnectionLost("the bus is silent")), silenceMsMax);
  const stop = link.onLost(() => reject(new ConnectionLost()));
  try {
    link.connection.publish(next, JSON.stringify({ batch: batchMax, no_wait: true }), { reply: inbox });
    return await promise;
  } finally {
    stop();
    clearTimeout(timer);
    subscription.unsubscribe();
  }
}

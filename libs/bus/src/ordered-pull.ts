import { randomBytes } from "node:crypto";
import { AckPolicy, type ConsumerConfig } from "@nats-io/jetstream";
import { createInbox, type Msg, nanos, type Subscription } from "@nats-io/transport-node";
import { type Delivery, deliveryOf } from "./delivery.ts";
import type { Raw } from "./envelope.ts";
import type { Link } from "./link.ts";

export type Pulled = Raw & Delivery;

const heartbeatMs = 1_000;
const silenceMsMax = 3_000;
const bytesMax = 32 * 1024 * 1024;

/**
 * One consumer of a stream that delivers in order and keeps nothing: no acknowledgements, gone 30 s after its reader.
 * Ends (by `broken`) at the first doubt: connection lost, heartbeats missed, a message missing; the reader makes a new one.
 */
export class OrderedPull implements Disposable {
  readonly queue: Pulled[] = [];
  /** Messages that waited at the server when the consumer was made. */
  readonly waitingAtFirst: number;
  broken: string | undefined;
  /** The server has said that it waits with us: what it counted as waiting may have expired meanwhile. */
  isIdle = false;
  readonly #link: Link;
  readonly #subscription: Subscription;
  readonly #inbox: string;
  readonly #next: string;
  readonly #batchMax: number;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #wake = Promise.withResolvers<void>();
  #requested = 0;
  #queuedBytes = 0;
  #consumerSequence = 0;

  /** Makes the consumer. Throws what the server says, e.g. that there's no such stream. */
  static async start(
    link: Link,
    stream: string,
    filter: string,
    start: Pick<ConsumerConfig, "deliver_policy" | "opt_start_seq">,
    options: { batchMax: number },
  ): Promise<OrderedPull> {
    const made = await link.api.consumers.add(stream, {
      name: `ordered-${randomBytes(12).toString("hex")}`,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(30_000),
      mem_storage: true,
      num_replicas: 1,
      ...start,
    });
    return new OrderedPull(link, stream, made.name, made.num_pending, options.batchMax);
  }

  private constructor(link: Link, stream: string, name: string, waiting: number, batchMax: number) {
    this.#link = link;
    this.#batchMax = batchMax;
    this.waitingAtFirst = waiting;
    this.#next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`;
    this.#inbox = createInbox(link.inboxPrefix);
    this.#subscription = link.connection.subscribe(this.#inbox, { callback: (error, msg) => this.#take(error, msg) });
    this.#stopListening = link.onLost(() => this.#break("the connection was lost"));
    this.#pull();
  }

  /** Resolves when something is queued or broken, or idle when that's asked for, or the signal fires. */
  async ready(signal: AbortSignal, orIdle = false): Promise<void> {
    if (this.queue.length > 0 || this.broken !== undefined || signal.aborted || (orIdle && this.isIdle)) return;
    this.#wake = Promise.withResolvers<void>();
    const wake = () => this.#wake.resolve();
    signal.addEventListener("abort", wake);
    try {
      await this.#wake.promise;
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  /** Takes what is queued, up to a batch. */
  take(): Pulled[] {
    const batch = this.queue.splice(0, this.#batchMax);
    for (const { body } of batch) this.#queuedBytes -= body.length;
    if (this.#requested === 0 && this.broken === undefined) this.#pull();
    return batch;
  }

  [Symbol.dispose](): void {
    this.#break("closed");
    this.#stopListening();
    this.#subscription.unsubscribe();
  }

  #take(error: Error | null, msg: Msg): void {
    if (this.broken !== undefined) return;
    if (error) return this.#break(error.message);
    this.#expectNews();
    const status = msg.headers?.code ?? 0;
    if (status === 100) {
      this.isIdle = true;
      this.#wake.resolve();
      return;
    }
    if (status !== 0) return this.#ended(status, msg.headers?.description ?? "");
    this.isIdle = false;
    const delivery = deliveryOf(msg.reply ?? "");
    this.#consumerSequence += 1;
    if (delivery.consumerSequence !== this.#consumerSequence) return this.#break("a message was missing");
    this.queue.push({ address: msg.subject, headers: msg.headers, body: msg.data, ...delivery });
    this.#queuedBytes += msg.data.length;
    this.#requested -= 1;
    if (this.#requested === 0) this.#pull();
    this.#wake.resolve();
  }

  /** The server closed the request: because it expired or was full, or because the consumer is no more. */
  #ended(status: number, description: string): void {
    // Said after each full batch, when the next one has been asked for already.
    if (/batch completed/i.test(description)) return;
    this.#requested = 0;
    const again = status === 404 || status === 408 || /max_?bytes/i.test(description);
    if (again) this.#pull();
    else this.#break(`${status} ${description}`);
  }

  /** Asks for the next batch, unless two of them wait to be taken. */
  #pull(): void {
    if (this.queue.length >= this.#batchMax || this.#queuedBytes >= bytesMax) {
      clearTimeout(this.#timer);
      return;
    }
    this.#requested = this.#batchMax;
    const request = {
      batch: this.#batchMax,
      max_bytes: bytesMax,
      expires: nanos(30_000),
      idle_heartbeat: nanos(heartbeatMs),
    };
    this.#link.connection.publish(this.#next, JSON.stringify(request), { reply: this.#inbox });
    this.#expectNews();
  }

  #expectNews(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#break("heartbeats were missed"), silenceMsMax);
  }

  #break(why: string): void {
    this.broken ??= why;
    clearTimeout(this.#timer);
    this.#wake.resolve();
  }
}

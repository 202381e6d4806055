import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, UserName } from "@operator/contracts/channel";
import type { InstanceName } from "@operator/contracts/names";
import type { BucketName, StreamName } from "@operator/contracts/streams";
import type { z } from "zod";
import { Bucket } from "./bucket.ts";
import type { BusCounters, BusLog } from "./bus-log.ts";
import { open, seal } from "./envelope.ts";
import { BusError } from "./failure.ts";
import { Link } from "./link.ts";
import { send } from "./publish.ts";
import { type Received, toReceived } from "./received.ts";

export interface BusOptions {
  servers: string;
  user: UserName;
  password: string;
  instance: InstanceName;
  log?: BusLog;
  counters?: BusCounters;
}

const closeMsMax = 3_000;

/** The only door to NATS JetStream: one connection of one user. */
export class Bus implements AsyncDisposable {
  readonly user: UserName;
  readonly instance: InstanceName;
  /** For this library's other files. */
  readonly link: Link;

  private constructor(link: Link, options: BusOptions) {
    this.link = link;
    this.user = options.user;
    this.instance = options.instance;
  }

  /** Waits for a bus that is away. Throws `BUS_REFUSED` when user or password are wrong, and when the signal fires. */
  static async connect(options: BusOptions, signal?: AbortSignal): Promise<Bus> {
    const link = await Link.connect({ log: () => {}, counters: {}, ...options }, signal);
    return new Bus(link, options);
  }

  /**
   * Checks the message, computes address and id, and sends it until the bus has stored it, 30 s unless told. `repeat`: it was
   * stored already (its sequence is 0 where an address holds one message only).
   */
  async publish<M>(
    channel: Channel<M>,
    message: M,
    options: { deadlineMs?: number; signal?: AbortSignal } = {},
  ): Promise<{ sequence: number; stored: "new" | "repeat" }> {
    return await send(this.link, channel.name, await seal(channel, message, this), options);
  }

  /** The newest message of an address, read and checked; undefined when there is none. */
  async last<M>(channel: Channel<M>, address: string): Promise<Received<M> | undefined> {
    const stored = await this.link.insist(`read ${address}`, () =>
      this.link.api.direct.getMessage(channel.stream, { last_by_subj: address }),
    );
    if (!stored) return undefined;
    const raw = { address, headers: stored.header, body: stored.data };
    const opened = open(channel, raw);
    if (!opened.ok) throw new BusError(opened.code, `${address}, sequence ${stored.seq}: ${opened.reason}`);
    return toReceived({ ...raw, sequence: stored.seq, storedAtMs: stored.time.getTime() }, opened);
  }

  /** A bucket that was provisioned. */
  async bucket<T>(name: BucketName, schema: z.ZodType<T>): Promise<Bucket<T>> {
    await this.link.insist(`open bucket ${name}`, () => this.link.api.streams.info(`KV_${name}`));
    return new Bucket(this.link, name, schema);
  }

  /** What a stream holds now. `createdAtMs` tells a stream from one of the same name that was made anew. */
  async streamState(
    stream: StreamName,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ firstSequence: number; lastSequence: number; messages: number; createdAtMs: number }> {
    const look = () => this.link.api.streams.info(stream);
    const { state, created } = await this.link.insist(`look at ${stream}`, look, { signal });
    return {
      // A stream that never had a message says 0.
      firstSequence: Math.max(1, state.first_seq),
      lastSequence: state.last_seq,
      messages: state.messages,
      createdAtMs: Date.parse(created),
    };
  }

  connected(): boolean {
    return this.link.isUp;
  }

  /** Resolves when the connection is closed for good, with the reason when it wasn't by `close`. */
  async closed(): Promise<Error | undefined> {
    return (await this.link.connection.closed()) ?? undefined;
  }

  /** Lets what is under way finish, for 3 s at most. */
  async close(): Promise<void> {
    const { connection } = this.link;
    if (connection.isClosed()) return;
    // Its own promise never comes when the bus doesn't answer, hence the wait beside it.
    if (this.link.isUp && !connection.isDraining()) connection.drain().catch(() => {});
    else if (!this.link.isUp) connection.close().catch(() => {});
    const enough = new AbortController();
    const timeout = sleep(closeMsMax, undefined, { signal: enough.signal }).catch(() => {});
    await Promise.race([connection.closed(), timeout]);
    enough.abort();
    if (!connection.isClosed()) await connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

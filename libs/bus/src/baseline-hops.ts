import { DeliverPolicy, jetstream, type JetStreamClient, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";

/** A connection as one user, for baselines: the client library as it comes, nothing of ours in between. */
export interface RawAt {
  servers: string;
  user: string;
  password: string;
}

/** One end of a hop. */
export interface RawPlace {
  stream: string;
  address: string;
}

const indexBytes = 16;

/** Sends numbered messages of `bytes` bytes to the first place, and hears of those that come out at the last. */
export class RawLine implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #first: string;
  readonly #bytes: number;

  private constructor(connection: NatsConnection, first: string, bytes: number) {
    this.#connection = connection;
    this.#client = jetstream(connection);
    this.#first = first;
    this.#bytes = bytes;
  }

  /** `onArrival` hears the number of each message that reaches the last place. */
  static async open(
    at: RawAt,
    given: { first: RawPlace; last: RawPlace; bytes: number; onArrival: (index: number) => void },
  ): Promise<RawLine> {
    const connection = await rawConnect(at);
    await follow(connection, given.last, (body) =>
      given.onArrival(Number(Buffer.from(body).toString("latin1", 0, indexBytes))),
    );
    return new RawLine(connection, given.first.address, given.bytes);
  }

  /** Resolves when the server has stored it. */
  async send(index: number): Promise<void> {
    await this.#client.publish(this.#first, bodyOf(index, this.#bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** One hop: reads a place in order, and publishes a message of `bytes` bytes to the next for each, until the signal. */
export async function relay(
  at: RawAt,
  given: { from: RawPlace; to: RawPlace; bytes: number; onReady: () => void; signal: AbortSignal },
): Promise<void> {
  const connection = await rawConnect(at);
  const client = jetstream(connection);
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  await follow(connection, given.from, (body) => {
    const index = Number(Buffer.from(body).toString("latin1", 0, indexBytes));
    client.publish(given.to.address, bodyOf(index, given.bytes)).catch(reject);
  });
  given.signal.addEventListener("abort", () => resolve());
  given.onReady();
  try {
    await promise;
  } finally {
    await connection.close();
  }
}

export async function rawConnect({ servers, user, password }: RawAt): Promise<NatsConnection> {
  return await connect({ servers, user, pass: password, inboxPrefix: `_INBOX_${user}`, noAsyncTraces: true });
}

/** The library's own ordered consumer, from now on. Resolves when it reads. */
async function follow(
  connection: NatsConnection,
  place: RawPlace,
  onMessage: (body: Uint8Array) => void,
): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { state } = await manager.streams.info(place.stream);
  const consumer = await jetstream(connection).consumers.get(place.stream, {
    filter_subjects: place.address,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: state.last_seq + 1,
  });
  await consumer.consume({ callback: ({ data }) => onMessage(data) });
}

function bodyOf(index: number, bytes: number): Uint8Array {
  const body = Buffer.alloc(Math.max(bytes, indexBytes), "x");
  body.write(String(index).padEnd(indexBytes), "latin1");
  return body;
}

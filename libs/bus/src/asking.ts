import { createInbox, errors, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { ConnectionLost } from "./failure.ts";

interface Waiting {
  address: string;
  untilMs: number;
  resolve: (answer: Msg) => void;
  reject: (error: unknown) => void;
}

/** An unanswered question is given up at most so much too late. */
const lookEveryMs = 50;

/**
 * Questions on one connection, all answered at one inbox. The library's own `request` makes an error with its stack and
 * a timer for each question, which together are more work than asking it.
 */
export class Asking {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #waiting = new Map<string, Waiting>();
  #asked = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: NatsConnection, inboxPrefix: string) {
    this.#connection = connection;
    this.#inbox = createInbox(inboxPrefix);
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, answer) => (error ? this.lose() : this.#hear(answer)),
    });
  }

  /** Rejects when nobody is there to answer, when no answer came in time, and by `refuse` and `lose`. */
  ask(
    address: string,
    body: Uint8Array | string,
    { headers, timeoutMs }: { headers?: MsgHdrs | undefined; timeoutMs: number },
  ): Promise<Msg> {
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const token = String(this.#asked++);
    this.#waiting.set(token, { address, untilMs: performance.now() + timeoutMs, resolve, reject });
    this.#timer ??= setInterval(() => this.#giveUp(), lookEveryMs);
    try {
      this.#connection.publish(address, body, {
        reply: `${this.#inbox}.${token}`,
        ...(headers ? { headers } : {}),
      });
    } catch (error) {
      this.#end(token);
      reject(error);
    }
    return promise;
  }

  /** The user may not publish there. The server doesn't say which message it was: all to that address. */
  refuse(address: string, error: Error): void {
    for (const [token, waiting] of this.#waiting) if (waiting.address === address) this.#end(token)?.reject(error);
  }

  /** The connection went away: no answer can come. */
  lose(): void {
    for (const token of this.#waiting.keys()) this.#end(token)?.reject(new ConnectionLost());
  }

  #hear(answer: Msg): void {
    const asked = this.#end(answer.subject.slice(this.#inbox.length + 1));
    const isNobodyThere = answer.data.length === 0 && answer.headers?.code === 503;
    if (isNobodyThere) asked?.reject(new errors.NoRespondersError(asked.address));
    else asked?.resolve(answer);
  }

  #giveUp(): void {
    const nowMs = performance.now();
    for (const [token, { untilMs }] of this.#waiting) {
      if (untilMs <= nowMs) this.#end(token)?.reject(new errors.TimeoutError());
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Nobody waits for it any more. */
  #end(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    return waiting;
  }
}

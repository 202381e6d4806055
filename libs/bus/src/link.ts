import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, errors, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { Asking } from "./asking.ts";
import type { BusCounters, BusLog } from "./bus-log.ts";
import { BusError, ConnectionLost, isPassing, toBusError } from "./failure.ts";

export interface LinkOptions {
  servers: string;
  user: string;
  password: string;
  instance: string;
  log: BusLog;
  counters: BusCounters;
}

const retryFromMs = 50;
const retryToMs = 1_000;
/** Node takes a longer timer for none at all. */
const timerMsMax = 2 ** 31 - 1;
const triesBeforeSaying = 8;

/** The connection to the bus, and how often to try something that a bus which is away or leaderless refuses. */
export class Link {
  readonly connection: NatsConnection;
  readonly api: JetStreamManager;
  readonly log: BusLog;
  readonly counters: BusCounters;
  readonly inboxPrefix: string;
  readonly #asking: Asking;
  #up = true;
  /** Called when the connection is lost, so that nobody waits for an answer that can't come. */
  readonly #onLost = new Set<() => void>();
  readonly #onBack = new Set<() => void>();

  private constructor(connection: NatsConnection, api: JetStreamManager, options: LinkOptions) {
    this.connection = connection;
    this.api = api;
    this.log = options.log;
    this.counters = options.counters;
    this.inboxPrefix = inboxPrefixOf(options.user);
    this.#asking = new Asking(connection, this.inboxPrefix);
    this.#onLost.add(() => this.#asking.lose());
  }

  /** Waits for a bus that is away. Gives up only when refused, or when the signal fires. */
  static async connect(options: LinkOptions, signal?: AbortSignal): Promise<Link> {
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted();
      try {
        const connection = await connect({
          servers: options.servers,
          user: options.user,
          pass: options.password,
          name: options.instance,
          inboxPrefix: inboxPrefixOf(options.user),
          maxReconnectAttempts: -1,
          reconnectTimeWait: 100,
          reconnectJitter: 100,
          pingInterval: 5_000,
          maxPingOut: 2,
          timeout: 3_000,
          noAsyncTraces: true,
        });
        const link = new Link(
          connection,
          await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 }),
          options,
        );
        void link.#watch();
        return link;
      } catch (error) {
        if (isRefusal(error)) {
          throw new BusError(
            "BUS_REFUSED",
            `the bus at ${options.servers} refuses the user "${options.user}": check the password in OPERATOR_NATS_PASSWORD`,
            { cause: error },
          );
        }
        if (tries === 1)
          options.log({ level: "warn", msg: "bus is away, waiting", servers: options.servers, why: String(error) });
        await sleep(Math.min(retryFromMs * 2 ** tries, retryToMs), undefined, signal ? { signal } : {});
      }
    }
  }

  get isUp(): boolean {
    return this.#up && !this.connection.isClosed();
  }

  /** Resolves when the connection is up; rejects when it closed for good, or after `withinMs`. */
  async up(withinMs: number, signal?: AbortSignal): Promise<void> {
    if (this.connection.isClosed()) throw new BusError("BUS_CLOSED", "the connection to the bus is closed");
    if (this.#up) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    const timer = setTimeout(() => reject(new ConnectionLost()), Math.min(Math.max(1, withinMs), timerMsMax));
    this.#onBack.add(resolve);
    signal?.addEventListener("abort", onAbort);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#onBack.delete(resolve);
      signal?.removeEventListener("abort", onAbort);
    }
    if (this.connection.isClosed()) throw new BusError("BUS_CLOSED", "the connection to the bus is closed");
  }

  /** Calls back once when the connection is lost. Returns how to stop listening. */
  onLost(listener: () => void): () => void {
    this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /** A request and its answer. Fails at once when the connection goes away, instead of after the timeout. */
  async ask(
    address: string,
    body: Uint8Array | string,
    options: { headers?: MsgHdrs; timeoutMs: number; ownInbox?: boolean },
  ) {
    if (!options.ownInbox) return await this.#asking.ask(address, body, options);
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const stop = this.onLost(() => reject(new ConnectionLost()));
    this.connection
      .request(address, body, {
        timeout: options.timeoutMs,
        noMux: true,
        ...(options.headers ? { headers: options.headers } : {}),
      })
      .then(resolve, reject);
    try {
      return await promise;
    } finally {
      stop();
    }
  }

  /** Tries until it succeeds, fails for good, or the deadline (which may be Infinity) passes. `attempt` hears which try it is, from 1. */
  async insist<T>(
    what: string,
    attempt: (tries: number) => Promise<T>,
    { deadlineMs = 30_000, signal }: { deadlineMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const end = performance.now() + deadlineMs;
    for (let tries = 1, waitMs = retryFromMs; ; tries++, waitMs = Math.min(waitMs * 2, retryToMs)) {
      signal?.throwIfAborted();
      try {
        await this.up(end - performance.now(), signal);
        return await attempt(tries);
      } catch (error) {
        if (this.connection.isClosed()) {
          throw new BusError("BUS_CLOSED", `${what}: the connection to the bus is closed`, { cause: error });
        }
        if (signal?.aborted || !isPassing(error)) throw toBusError(what, error);
        if (performance.now() + waitMs >= end) {
          const why = error instanceof Error ? error.message : String(error);
          throw new BusError(
            "BUS_AWAY",
            `${what}: gave up after ${deadlineMs} ms and ${tries} tries: ${why}; is the bus up and provisioned?`,
            { cause: error },
          );
        }
        if (tries === triesBeforeSaying) this.log({ level: "warn", msg: "still trying", what, why: String(error) });
        await sleep(waitMs * (0.5 + Math.random() / 2), undefined, signal ? { signal } : {});
      }
    }
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect") {
        this.#up = false;
        this.counters.connection?.("lost");
        this.log({ level: "warn", msg: "bus is away", server: status.server });
        for (const listener of this.#onLost) listener();
      } else if (status.type === "reconnect") {
        this.#up = true;
        this.counters.connection?.("back");
        this.log({ level: "info", msg: "bus is back", server: status.server });
        for (const listener of this.#onBack) listener();
      } else if (status.type === "error") {
        const { error } = status;
        if (error instanceof errors.PermissionViolationError) this.#asking.refuse(error.subject, error);
        this.log({ level: "warn", msg: "bus error", why: error.message });
      }
    }
    for (const listener of [...this.#onLost, ...this.#onBack]) listener();
  }
}

/** A user may subscribe below its own inbox only, so that nobody hears another's answers. */
function inboxPrefixOf(user: string): string {
  return `_INBOX_${user}`;
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    (error instanceof Error && error.cause instanceof errors.AuthorizationError)
  );
}

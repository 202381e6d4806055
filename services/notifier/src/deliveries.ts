import { setTimeout as sleep } from "node:timers/promises";
import type { Notice } from "./notice.ts";
import type { Posted } from "./post.ts";
import { Slots } from "./slots.ts";

/** So many notices on their way, and no more is read. */
const waitingMax = 512;
/** Ids that were told; one that is forgotten is at worst told again, as itself. */
const toldMax = 10_000;
const growth = 2.5;

interface Options {
  post: (notice: Notice, signal: AbortSignal) => Promise<Posted>;
  tries: number;
  /** Before the second try. */
  retryMs: number;
  /** Posts at a time; a notice that waits for its next try isn't counted. */
  postsMax: number;
  signal: AbortSignal;
}

/**
 * Delivers notices side by side, those of one ticket one after the other, each until the receiver has it or it's a dead
 * letter. Knows up to which sequence all are: what isn't yet is read again after a restart, and told as itself.
 */
export class Deliveries {
  readonly #options: Options;
  readonly #slots: Slots;
  readonly #told = new Set<string>();
  readonly #ofTicket = new Map<Notice["ticket"], Promise<void>>();
  readonly #unsettled = new Map<Promise<void>, number>();
  readonly #failed = Promise.withResolvers<never>();

  constructor(options: Options) {
    this.#options = options;
    this.#slots = new Slots(options.postsMax);
  }

  /** Rejects when a dead letter couldn't be written: nothing can go on then. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Notices that are on their way. */
  get waiting(): number {
    return this.#unsettled.size;
  }

  /** Takes a notice of the message with that sequence, unless it was taken before. `bury` is told why it wasn't delivered. */
  add(sequence: number, notice: Notice, bury: (reason: string) => Promise<void>): void {
    if (this.#told.has(notice.id)) return;
    this.#remember(notice.id);
    const before = this.#ofTicket.get(notice.ticket);
    const delivery = (async () => {
      await before;
      const reason = await this.#deliver(notice);
      if (reason === undefined) return;
      await bury(reason);
      // So that a replay of the message tells it anew.
      this.#told.delete(notice.id);
    })();
    this.#ofTicket.set(notice.ticket, delivery);
    this.#unsettled.set(delivery, sequence);
    void this.#follow(delivery, notice);
  }

  /** Up to where everything is settled, when everything up to `sequence` was added. */
  settledUpTo(sequence: number): number {
    return Math.min(sequence, ...[...this.#unsettled.values()].map((unsettled) => unsettled - 1));
  }

  /** Resolves when not too many are on their way. */
  async room(): Promise<void> {
    while (this.waiting >= waitingMax && !this.#options.signal.aborted) {
      await Promise.race(this.#unsettled.keys()).catch(() => {});
    }
  }

  async #follow(delivery: Promise<void>, notice: Notice): Promise<void> {
    try {
      await delivery;
    } catch (error) {
      if (!this.#options.signal.aborted) this.#failed.reject(error);
      return;
    }
    this.#unsettled.delete(delivery);
    if (this.#ofTicket.get(notice.ticket) === delivery) this.#ofTicket.delete(notice.ticket);
  }

  /** Why it's given up; undefined once the receiver has it. */
  async #deliver(notice: Notice): Promise<string | undefined> {
    const { post, tries, retryMs, signal } = this.#options;
    for (let tried = 1; ; tried++) {
      const posted = await this.#slots.use(() => post(notice, signal));
      if (posted === "delivered") return undefined;
      if (posted.final || tried >= tries) return `${notice.id}: try ${tried} of ${tries}: ${posted.why}`;
      await sleep(retryMs * growth ** (tried - 1), undefined, { signal });
    }
  }

  #remember(id: string): void {
    this.#told.add(id);
    const [oldest] = this.#told;
    if (this.#told.size > toldMax && oldest !== undefined) this.#told.delete(oldest);
  }
}

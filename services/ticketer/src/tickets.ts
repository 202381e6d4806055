import { isDeepStrictEqual } from "node:util";
import type { Bucket, Entry } from "@operator/bus/bucket";
import type { Ticket } from "@operator/contracts/ticket";
import type { TicketId } from "@operator/contracts/ticket-id";
import { ViolationKey } from "@operator/contracts/violation";
import { apply } from "./apply.ts";
import { Recent } from "./recent.ts";
import type { Applied, Reason, TicketEvent } from "./ticket-event.ts";

/** More than a batch and the sender's backlog together, so that what was just written needn't be read to be sent. */
const headsKept = 1_000;
const keysKnownMax = 50_000;
const triesMax = 200;

/** Where the tickets are kept. */
export type TicketBucket = Pick<Bucket<Ticket>, "get" | "create" | "update" | "scan">;

interface ScannedTickets {
  tickets: Ticket[];
  unreadable: Error[];
  /** The newest of them. */
  revision: number;
}

/** What a write made of a ticket, and why. */
export type OnWritten = (ticket: Ticket, reasons: readonly Reason[]) => void;

/**
 * The tickets in KV: a head per invariant and target, and an entry per earlier generation. Every change is a
 * compare-and-set, so that any number of ticketers may do the same; who comes second reads again and finds it done.
 */
export class Tickets {
  readonly #bucket: TicketBucket;
  readonly #onWritten: OnWritten;
  readonly #onRead: (ticket: Ticket) => void;
  readonly #heads = new Recent<Entry<Ticket>>(headsKept);
  /** The keys that there are, once they were listed: any other needn't be looked for before it's created. */
  #known: Set<string> | undefined;
  /** One change of a key at a time: two folds of this process needn't run into each other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(bucket: TicketBucket, on: { written: OnWritten; read: (ticket: Ticket) => void }) {
    this.#bucket = bucket;
    this.#onWritten = on.written;
    this.#onRead = on.read;
  }

  /** Folds what `tell` says of the head into it, with one write unless a generation begins. Asked again when another wrote first. */
  async fold(key: ViolationKey, tell: (head: Ticket | undefined) => readonly TicketEvent[]): Promise<void> {
    await this.#inTurn(key, async () => {
      for (let done = 0, left = true; left;) {
        const step = await this.#insist(key, () => this.#foldSome(key, (head) => tell(head).slice(done)));
        done += step.count;
        left = step.left;
      }
    });
  }

  /** Changes the ticket of this id, in whatever generation. Undefined when there is none; `step` gives the same ticket to leave it. */
  async change(id: TicketId, step: (ticket: Ticket) => Applied): Promise<Ticket | undefined> {
    const key = headKeyOf(id);
    const changed = await this.#inTurn(key, () =>
      this.#insist(id, async () => {
        const [place, now] = await this.#find(id);
        if (!now) return { ticket: undefined };
        const { ticket, reasons } = step(now.value);
        return (await this.#replace(place, now, ticket, reasons)) ? { ticket } : undefined;
      }),
    );
    return changed.ticket;
  }

  /** As this process knows it, which another ticketer may have changed since. */
  async read(id: TicketId): Promise<Ticket | undefined> {
    const [, entry] = await this.#find(id);
    return entry?.value;
  }

  /** As it is at the bus now. */
  async readAnew(id: TicketId): Promise<Ticket | undefined> {
    this.#heads.delete(headKeyOf(id));
    return await this.read(id);
  }

  /** All tickets in batches, or those written after a revision, which is 0 for all. */
  async *scan(after: number): AsyncGenerator<ScannedTickets, void, undefined> {
    const listed = new Set<string>();
    for await (const batch of this.#bucket.scan(after)) {
      for (const { key } of batch) listed.add(key);
      const tickets = batch.flatMap((entry) => ("value" in entry ? [entry.value] : []));
      const unreadable = batch.flatMap((entry) => ("unreadable" in entry ? [entry.unreadable] : []));
      yield { tickets, unreadable, revision: Math.max(after, ...batch.map(({ revision }) => revision)) };
    }
    if (after === 0) this.#known = listed.size > keysKnownMax ? undefined : listed;
  }

  async #find(id: TicketId): Promise<[place: string, Entry<Ticket> | undefined]> {
    const key = headKeyOf(id);
    const cached = this.#heads.get(key);
    const head = cached?.value.id === id ? cached : await this.#fresh(key);
    return head?.value.id === id ? [key, head] : [id, await this.#bucket.get(id)];
  }

  async #head(key: ViolationKey): Promise<Entry<Ticket> | undefined> {
    const cached = this.#heads.get(key);
    return cached || this.#known?.has(key) === false ? cached : await this.#fresh(key);
  }

  async #fresh(key: ViolationKey): Promise<Entry<Ticket> | undefined> {
    const entry = await this.#bucket.get(key);
    if (!entry) return undefined;
    this.#heads.set(key, entry);
    this.#onRead(entry.value);
    return entry;
  }

  /** Folds the events of one generation, or begins the next. Undefined when another write came first. */
  async #foldSome(
    key: ViolationKey,
    tell: (head: Ticket | undefined) => readonly TicketEvent[],
  ): Promise<{ count: number; left: boolean } | undefined> {
    const head = await this.#head(key);
    const events = tell(head?.value);
    const { ticket, count, reasons } = foldGeneration(head?.value, events);
    const [next] = events.slice(count);
    if (count === 0 && next !== undefined) {
      return (await this.#moveOn(key, next)) ? { count: 1, left: events.length > 1 } : undefined;
    }
    const isStored = await this.#replace(key, head, ticket, reasons);
    return isStored ? { count, left: next !== undefined } : undefined;
  }

  /** False when another write came first. */
  async #replace(
    place: string,
    now: Entry<Ticket> | undefined,
    ticket: Ticket | undefined,
    reasons: readonly Reason[],
  ): Promise<boolean> {
    if (ticket === undefined || ticket === now?.value) return true;
    const revision = now
      ? await this.#bucket.update(place, ticket, now.revision)
      : await this.#bucket.create(place, ticket);
    this.#known?.add(place);
    if (revision === "conflict") {
      this.#heads.delete(place);
      return false;
    }
    if (place !== ticket.id) this.#heads.set(place, { value: ticket, revision });
    this.#onWritten(ticket, reasons);
    return true;
  }

  /**
   * Begins the next generation: the head is copied to its own key, then replaced. The copy is read before the head, so
   * that who writes an older copy has been overtaken and finds out. True when `event` has been folded.
   */
  async #moveOn(key: ViolationKey, event: TicketEvent): Promise<boolean> {
    const id = (await this.#head(key))?.value.id;
    if (id === undefined) return false;
    const copy = await this.#bucket.get(id);
    const head = await this.#fresh(key);
    const { archive, ticket, reasons } = apply(head?.value, event, Date.now());
    if (!archive || archive.id !== id) return false;
    if (!copy || !isDeepStrictEqual(copy.value, archive)) {
      const written = copy
        ? await this.#bucket.update(id, archive, copy.revision)
        : await this.#bucket.create(id, archive);
      if (written === "conflict") return false;
    }
    const moved = await this.#replace(key, head, ticket, reasons);
    if (moved) this.#onRead(archive);
    return moved;
  }

  /** Tries again as long as another write comes first, which the attempt says by undefined. */
  async #insist<Result>(what: string, attempt: () => Promise<Result | undefined>): Promise<Result> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const result = await attempt();
      if (result !== undefined) return result;
    }
    throw new Error(`ticket ${what}: another write came first ${triesMax} times; are there too many ticketers?`);
  }

  async #inTurn<Result>(key: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(key);
    const turn = (async () => {
      await before?.catch(() => {});
      return await act();
    })();
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

/** Folds events up to the one that begins another generation. `count`: how many were folded. */
function foldGeneration(head: Ticket | undefined, events: readonly TicketEvent[]) {
  let ticket = head;
  let count = 0;
  const reasons = new Set<Reason>();
  for (const event of events) {
    const applied = apply(ticket, event, Date.now());
    if (applied.archive) break;
    ticket = applied.ticket;
    for (const reason of applied.reasons) reasons.add(reason);
    count += 1;
  }
  return { ticket, count, reasons: [...reasons] };
}

function headKeyOf(id: TicketId): ViolationKey {
  return ViolationKey.parse(id.slice(0, id.lastIndexOf(".")));
}

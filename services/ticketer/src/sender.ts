import type { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import type { TicketId } from "@operator/contracts/ticket-id";
import type { Logger } from "@operator/service/log";
import type { Silences } from "@operator/service/silences";
import { unsentOf, withSent } from "./outbox.ts";
import type { Tickets } from "./tickets.ts";

const atOnceMax = 16;
const backlogMax = 256;
/** Who wrote a ticket sends what follows; so long after, anybody does who has seen it. */
const othersAfterMs = 1_000;
const againAfterMs = 2_000;
/** A silence may be taken back before its time. */
const silencedMs = 5_000;
/** What is refused for long is left for later, so that what was taken beside it is recorded. */
const publishMsMax = 2_000;

/** Whose change it was that left something to send. */
type Whose = "ours" | "anybody's";

/**
 * Sends what the tickets' state implies, and records in them what was sent. Nothing is remembered but where to look: what
 * to send is computed from the ticket as it is then, so it may be asked for any number of times, by any ticketer.
 */
export class Sender {
  readonly #bus: Bus;
  readonly #tickets: Tickets;
  readonly #silences: Pick<Silences, "of">;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #ready = new Map<TicketId, Whose>();
  readonly #later = new Map<TicketId, number>();
  readonly #running = new Map<TicketId, Promise<void>>();
  #begun = false;

  constructor(given: { bus: Bus; tickets: Tickets; silences: Pick<Silences, "of">; log: Logger; signal: AbortSignal }) {
    this.#bus = given.bus;
    this.#tickets = given.tickets;
    this.#silences = given.silences;
    this.#log = given.log;
    this.#signal = given.signal;
  }

  /** Takes note of a ticket that was written or read. */
  look(ticket: Ticket, whose: Whose): void {
    const { event, job } = unsentOf(ticket);
    if (!event && !job) {
      this.#ready.delete(ticket.id);
      this.#later.delete(ticket.id);
      return;
    }
    const nowMs = Date.now();
    const dueMs = event || !job ? nowMs : Math.max(job.notBeforeMs, this.#silences.of(ticket) ? nowMs + silencedMs : 0);
    if (whose === "ours" && dueMs <= nowMs) {
      this.#ready.set(ticket.id, whose);
      this.#sendReady();
    } else if (!this.#ready.has(ticket.id)) {
      this.#later.set(ticket.id, whose === "ours" ? dueMs : Math.max(dueMs, nowMs + othersAfterMs));
    }
  }

  /** Sends what was to wait until now. The first one begins it: before, what is found is only taken note of. */
  tick(): void {
    this.#begun = true;
    const nowMs = Date.now();
    for (const [id, dueMs] of this.#later) {
      if (dueMs > nowMs) continue;
      this.#later.delete(id);
      this.#ready.set(id, "anybody's");
    }
    this.#sendReady();
  }

  /** Resolves when no more than `backlogMax` tickets wait to be sent, so that a reader doesn't run ahead for ever. */
  async room(): Promise<void> {
    while (this.#ready.size > backlogMax && this.#running.size > 0) await Promise.race(this.#running.values());
  }

  /** Resolves when what is being sent now has been. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  #sendReady(): void {
    if (!this.#begun || this.#signal.aborted) return;
    for (const [id, whose] of this.#ready) {
      if (this.#running.size >= atOnceMax) return;
      if (this.#running.has(id)) continue;
      this.#ready.delete(id);
      this.#later.delete(id);
      const sending = this.#send(id, whose)
        .catch((error: unknown) => {
          if (this.#signal.aborted) return;
          this.#log.error({ ticket: id, err: error }, "not sent, trying again");
          this.#later.set(id, Date.now() + againAfterMs);
        })
        .finally(() => {
          this.#running.delete(id);
          this.#sendReady();
        });
      this.#running.set(id, sending);
    }
  }

  async #send(id: TicketId, whose: Whose): Promise<void> {
    // Another ticketer's change may have been followed by its own sending, which a kept copy doesn't know of.
    const ticket = whose === "ours" ? await this.#tickets.read(id) : await this.#tickets.readAnew(id);
    if (!ticket) return;
    const unsent = unsentOf(ticket);
    const isDue = unsent.job && unsent.job.notBeforeMs <= Date.now() && !this.#silences.of(ticket);
    const job = isDue ? unsent.job?.message : undefined;
    const options = { deadlineMs: publishMsMax, signal: this.#signal };
    const [event, jobSent] = await Promise.allSettled([
      unsent.event ? this.#bus.publish(flow.ticket, ticket, options) : undefined,
      job ? this.#bus.publish(flow.job, job, options) : undefined,
    ]);
    const sent = {
      ...(event.status === "fulfilled" && unsent.event && { revision: ticket.revision }),
      ...(jobSent.status === "fulfilled" && job && { attempt: job.attempt }),
    };
    await this.#tickets.change(id, (now) => ({ ticket: withSent(now, sent, Date.now()), reasons: [] }));
    if (event.status === "rejected") throw event.reason;
    if (jobSent.status === "rejected") throw jobSent.reason;
  }
}

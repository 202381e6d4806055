import { setTimeout as sleep } from "node:timers/promises";
import type { Ticket } from "@operator/contracts/ticket";
import type { Tickets } from "./tickets.ts";

const everyMs = 5_000;
/** What was written is looked at when it's written; all of it is read now and then in case that went wrong. */
const fullEveryMs = 60_000;
/** After each batch the thread is left to others for so many times as long as it took. */
const pause = 4;

/** Looks through the tickets for what is left to send: at what was written since the last look, now and then at all. */
export class Sweep {
  readonly #tickets: Pick<Tickets, "scan">;
  readonly #on: { ticket: (ticket: Ticket) => void; unreadable: (error: Error) => void };
  #after = 0;
  #nextMs = 0;
  #nextFullMs = 0;

  constructor(
    tickets: Pick<Tickets, "scan">,
    on: { ticket: (ticket: Ticket) => void; unreadable: (error: Error) => void },
  ) {
    this.#tickets = tickets;
    this.#on = on;
  }

  /** Does what is due now. */
  async tick(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + everyMs;
    const isFull = nowMs >= this.#nextFullMs;
    if (isFull) this.#after = 0;
    let beganMs = nowMs;
    for await (const { tickets, unreadable, revision } of this.#tickets.scan(this.#after)) {
      for (const ticket of tickets) this.#on.ticket(ticket);
      for (const error of unreadable) this.#on.unreadable(error);
      this.#after = revision;
      await sleep((performance.now() - beganMs) * pause, undefined, { signal });
      beganMs = performance.now();
    }
    if (isFull) this.#nextFullMs = performance.now() + fullEveryMs;
  }
}

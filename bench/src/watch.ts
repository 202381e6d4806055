import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Channel } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";

/** A large subject has thousands of verdicts. */
const complaintsMax = 20;

/** A ticket's event as it reached this process, on its monotonic clock. */
export interface SeenTicket {
  ticket: Ticket;
  atMs: number;
  /** When the bus stored it, by the clock on the wall. */
  storedAtMs: number;
}

/** What the loop says of a subject, heard by one reader: its clock is the one that all times are taken by. */
export class Watch implements AsyncDisposable {
  /** The newest event of each ticket. */
  readonly tickets = new Map<string, SeenTicket>();
  verdicts: { message: Verdicts; atMs: number } | undefined;
  readonly #listeners = new Set<(seen: SeenTicket) => void>();
  readonly #violationListeners = new Set<(violation: Violation, atMs: number) => void>();
  readonly #stop = new AbortController();
  #ended: Promise<unknown> = Promise.resolve();

  /** Resolves when it reads: what is sent from then on is heard. */
  static async start(bus: Bus, subject: string): Promise<Watch> {
    const watch = new Watch();
    const tickets = watch.#read(bus, flow.ticket, subject, (ticket, atMs, storedAtMs) => {
      const seen = { ticket, atMs, storedAtMs };
      watch.tickets.set(ticket.id, seen);
      for (const listener of watch.#listeners) listener(seen);
    });
    const verdicts = watch.#read(bus, flow.verdicts, subject, (message, atMs) => {
      watch.verdicts = { message, atMs };
    });
    const violations = watch.#read(bus, flow.violation, subject, (message, atMs) => {
      for (const listener of watch.#violationListeners) listener(message, atMs);
    });
    const all = [tickets, verdicts, violations];
    watch.#ended = Promise.allSettled(all.map(({ ended }) => ended));
    await Promise.all(all.map(({ reading }) => reading));
    return watch;
  }

  onTicket(listener: (seen: SeenTicket) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onViolation(listener: (violation: Violation, atMs: number) => void): void {
    this.#violationListeners.add(listener);
  }

  /** All that is watched is well by verdicts that came after `sinceMs`, and no ticket is open. */
  isWell(sinceMs: number): boolean {
    if (!this.verdicts || this.verdicts.atMs <= sinceMs) return false;
    const { lines, snapshot } = this.verdicts.message;
    const isOpen = [...this.tickets.values()].some(({ ticket }) => ticket.status === "open");
    return snapshot !== undefined && lines.every(({ state }) => state === "ok") && !isOpen;
  }

  /** What isn't well, for an error that says it. */
  complaints(): string {
    const lines = this.verdicts?.message.lines ?? [];
    const unwell = lines
      .filter(({ state }) => state !== "ok")
      .map((line) => `${line.invariant} ${line.target} ${line.state}: ${line.reason}`);
    const open = [...this.tickets.values()]
      .filter(({ ticket }) => ticket.status === "open")
      .map(({ ticket }) => ticket.id);
    const all = [...open.map((id) => `ticket ${id} is open`), ...unwell];
    const more = all.length > complaintsMax ? [`and ${all.length - complaintsMax} more`] : [];
    return [...all.slice(0, complaintsMax), ...more].join("; ") || "no verdicts";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  #read<M>(
    bus: Bus,
    channel: Channel<M>,
    subject: string,
    hear: (message: M, atMs: number, storedAtMs: number) => void,
  ): { reading: Promise<void>; ended: Promise<void> } {
    const { promise: reading, resolve, reject } = Promise.withResolvers<void>();
    const read = async () => {
      for await (const batch of readInOrder(bus, channel, {
        given: { subject },
        from: "new",
        signal: this.#stop.signal,
      })) {
        const atMs = performance.now();
        resolve();
        for (const { message, storedAtMs } of batch.received) hear(message, atMs, storedAtMs);
      }
    };
    const ended = read();
    ended.catch(reject);
    return { reading, ended };
  }
}

import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Channel } from "@operator/contracts/channel";
import type { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";

/** Reads everything that the loop says about a subject from the first message on, and waits for what a test expects of it. */
export class Witness implements AsyncDisposable {
  readonly violations: Violation[] = [];
  readonly ticketEvents: Ticket[] = [];
  readonly diagnoses: DiagnosisEvent[] = [];
  /** The newest verdicts. */
  verdicts: Verdicts | undefined;
  readonly #bus: Bus;
  readonly #subject: string;
  readonly #stop = new AbortController();
  readonly #readers: Promise<unknown>;
  #wake = () => {};

  constructor(bus: Bus, subject: string) {
    this.#bus = bus;
    this.#subject = subject;
    const read = async <Message>(channel: Channel<Message>, take: (message: Message) => void) => {
      for await (const { received } of readInOrder(bus, channel, {
        given: { subject },
        from: "first",
        signal: this.#stop.signal,
      })) {
        for (const { message } of received) take(message);
        this.#wake();
      }
    };
    this.#readers = Promise.allSettled([
      read(flow.violation, (violation) => this.violations.push(violation)),
      read(flow.ticket, (ticket) => this.ticketEvents.push(ticket)),
      read(flow.diagnosis, (diagnosis) => this.diagnoses.push(diagnosis)),
      read(flow.verdicts, (verdicts) => (this.verdicts = verdicts)),
    ]);
  }

  /** Waits until this gives something, and returns it. Throws, with what was seen last, when it doesn't in time. */
  async until<Found>(what: string, look: () => Found | undefined | false, withinMs = 30_000): Promise<Found> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms\n${this.#seen()}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, 100);
      await promise;
      clearTimeout(timer);
    }
  }

  /** Watches for so long that this stays true. */
  async throughout(what: string, holds: () => boolean, forMs: number): Promise<void> {
    const end = performance.now() + forMs;
    while (performance.now() < end) {
      if (!holds()) throw new Error(`${what}: didn't hold for ${forMs} ms\n${this.#seen()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The newest word about an invariant and target. */
  violation(invariant: string, target: string): Violation | undefined {
    return this.violations.findLast((one) => one.invariant === invariant && one.target === target);
  }

  /** The newest event of the ticket about an invariant and target. */
  ticket(invariant: string, target: string): Ticket | undefined {
    return this.ticketEvents.findLast((one) => one.invariant === invariant && one.target === target);
  }

  /** The violation, once it's in this state as of a later time than this. */
  async reaches(invariant: string, target: string, state: Violation["state"], after = 0): Promise<Violation> {
    const look = () => {
      const found = this.violation(invariant, target);
      return found?.state === state && found.asOf > after && found;
    };
    return await this.until(`${invariant} of ${target} ${state}`, look, 60_000);
  }

  /** Waits until it fires and has an open ticket; shortly after something that explains it, that takes until the explanation has run out. */
  async opens(invariant: string, target: string): Promise<void> {
    await this.reaches(invariant, target, "firing");
    const isOpen = () => this.ticket(invariant, target)?.status === "open";
    await this.until(`a ticket of ${invariant} ${target}`, isOpen, 30_000);
  }

  /** The ticket, once it's closed. */
  async closes(invariant: string, target: string): Promise<Ticket> {
    const look = () => {
      const ticket = this.ticket(invariant, target);
      return ticket?.status === "closed" && ticket;
    };
    return await this.until(`the ticket of ${invariant} ${target} closed`, look, 60_000);
  }

  /** Ids of all tickets whose events were seen. */
  ticketIds(): string[] {
    return [...new Set(this.ticketEvents.map(({ id }) => id))];
  }

  /** A snapshot has been judged, and every line of the newest verdicts is ok. */
  async allWell(withinMs = 60_000): Promise<void> {
    const isWell = () =>
      this.verdicts?.snapshot !== undefined && this.verdicts.lines.every(({ state }) => state === "ok");
    await this.until("all verdicts ok", isWell, withinMs);
  }

  /** All tickets as stored. */
  async stored(): Promise<Ticket[]> {
    const bucket = await this.#bus.bucket("tickets", Ticket);
    return (await bucket.entries(this.#subject)).map(({ value }) => value);
  }

  #seen(): string {
    const lines =
      this.verdicts?.lines
        .filter(({ state }) => state !== "ok")
        .map(({ invariant, target, state, reason }) => `  ${invariant} ${target} ${state}: ${reason}`) ?? [];
    const violations = this.violations
      .slice(-8)
      .map(({ invariant, target, state, summary }) => `  ${invariant} ${target} ${state}: ${summary}`);
    const tickets = this.ticketEvents
      .slice(-8)
      .map(
        ({ id, status, revision, reasons, diagnosis }) =>
          `  ${id} r${revision} ${status} ${diagnosis} ${reasons.join(",")}`,
      );
    return [
      "verdicts not ok:",
      ...lines,
      "violations, newest last:",
      ...violations,
      "ticket events, newest last:",
      ...tickets,
    ].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#readers;
  }
}

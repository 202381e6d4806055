import { isDeepStrictEqual } from "node:util";
import { Passing } from "@operator/bus/failure";
import { addressOf, patternOf } from "@operator/contracts/channel";
import type { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { fold } from "@operator/service/fold";
import type { ServiceContext } from "@operator/service/service-context";
import { type FaultRecord, type Phase, recordKeyOf, withEvent } from "./fault-record.ts";

const reachWithinMs = 10_000;

/** What chaos did, by every instance: one message for each fault and phase, and the first one stored stays. */
export class Journal {
  readonly #context: ServiceContext;
  #open: ReadonlyMap<string, FaultRecord> = new Map();
  #sequence = 0;
  readonly #waiting = new Set<() => void>();

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** Reads the journal from its first event on until the service stops; calls back when it has read what there was. */
  async read(caughtUp: () => void): Promise<void> {
    await fold(this.#context, flow.fault, {
      from: "first",
      eventTime: ({ atMs }) => atMs,
      handle: async (batch) => {
        if (batch.gap?.why === "recreated") this.#open = new Map();
        for (const { message, sequence } of batch.received) this.#open = withEvent(this.#open, message, sequence);
        this.#sequence = batch.lastSequence;
        for (const look of this.#waiting) look();
        if (batch.caughtUp) caughtUp();
      },
    });
  }

  /** The faults that may have an effect, in the order in which they began. */
  open(): FaultRecord[] {
    return [...this.#open.values()].sort((a, b) => a.sequence - b.sequence);
  }

  /** An open fault; undefined when it has ended or never began. */
  record(of: Pick<FaultEvent, "subject" | "id">): FaultRecord | undefined {
    return this.#open.get(recordKeyOf(of));
  }

  /** How a fault began, or that it was refused; undefined when it was planned at most. */
  async beginning({ subject, id }: Pick<FaultEvent, "subject" | "id">): Promise<FaultEvent | undefined> {
    return (await this.stored(subject, id, "injecting")) ?? (await this.stored(subject, id, "refused"));
  }

  async stored(subject: string, id: FaultEvent["id"], phase: Phase): Promise<FaultEvent | undefined> {
    return (await this.#context.bus.last(flow.fault, patternOf(flow.fault, { subject, id, phase })))?.message;
  }

  /** Stores an event and goes on when this instance has read it. False when the fault had one of that phase: that one stays. */
  async write(event: FaultEvent): Promise<boolean> {
    const { sequence, stored } = await this.#context.bus.publish(flow.fault, event);
    const { id, subject, fault, target, phase, code, text } = event;
    if (stored === "repeat") return false;
    this.#context.log.info({ id, subject, fault, target, phase, code, text }, `fault ${phase}`);
    await this.#reach(sequence);
    return true;
  }

  /**
   * Stores that a fault begins. Its place in the journal when it's this instance's to make; undefined when another one has
   * begun it. A repeat may be our own write whose acknowledgement was lost, so it's read back.
   */
  async claim(began: FaultEvent): Promise<number | undefined> {
    const { sequence, stored } = await this.#context.bus.publish(flow.fault, began);
    if (stored === "new") {
      await this.#reach(sequence);
      return sequence;
    }
    const kept = await this.#context.bus.last(flow.fault, addressOf(flow.fault, began));
    if (!kept || !isDeepStrictEqual(kept.message, began)) return undefined;
    await this.#reach(kept.sequence);
    return kept.sequence;
  }

  /** Waits until this instance has read the journal so far, or reads no more as the service stops. */
  async #reach(sequence: number): Promise<void> {
    const { signal } = this.#context;
    const isEnough = () => this.#sequence >= sequence || signal.aborted;
    if (isEnough()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => isEnough() && resolve();
    const late = () => reject(new Passing(1_000, `the journal wasn't read up to ${sequence} in ${reachWithinMs} ms`));
    const timer = setTimeout(late, reachWithinMs);
    this.#waiting.add(look);
    signal.addEventListener("abort", look);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
      signal.removeEventListener("abort", look);
    }
  }
}

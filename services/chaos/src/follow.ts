import type { ServiceContext } from "@operator/service/service-context";
import type { Desk } from "./desk.ts";
import { type Due, dueOf, revertWithinMs } from "./due.ts";
import { look, revert } from "./effect.ts";
import { failureOf, laterEvent } from "./events.ts";
import { type FaultRecord, recordKeyOf } from "./fault-record.ts";
import type { Fault } from "@operator/subject/fault";

const lookWithinMs = 3_000;
const againAfterMs = 1_000;

/** Brings every open fault to its end, whoever began it: proves it, takes it back, says so. All from the journal. */
export class Follower {
  readonly #desk: Desk;
  readonly #context: Pick<ServiceContext, "log" | "signal">;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #againAtMs = new Map<string, number>();

  constructor(desk: Desk, context: Pick<ServiceContext, "log" | "signal">) {
    this.#desk = desk;
    this.#context = context;
  }

  /** Looks at each open fault that isn't being looked at: a slow one holds up no other. */
  async tick(): Promise<void> {
    const { journal, catalogue, lever } = this.#desk;
    const open = journal.open().filter(({ began }) => catalogue.has(began.subject));
    if (open.length === 0) return this.#againAtMs.clear();
    const { halted, by } = await lever.read();
    for (const record of open) {
      const key = recordKeyOf(record.began);
      if (this.#busy.has(key) || performance.now() < (this.#againAtMs.get(key) ?? 0)) continue;
      const following = this.#follow(record, halted ? by : undefined).finally(() => this.#busy.delete(key));
      this.#busy.set(key, following);
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /** Steps until there's nothing to do but wait. What fails is tried again later. */
  async #follow(first: FaultRecord, haltedBy: string | undefined): Promise<void> {
    const { began } = first;
    try {
      const fault = this.#desk.catalogue.get(began.subject)?.find(({ name }) => name === began.fault);
      if (!fault) throw new Error(`the room of ${began.subject} has no fault "${began.fault}" any more`);
      const endIsHeld = fault.by === "supervisor" || fault.revert === undefined;
      for (let record: FaultRecord | undefined = first; record; record = this.#desk.journal.record(began)) {
        const due = dueOf(record, { atMs: Date.now(), haltedBy, endIsHeld });
        if (!(await this.#step(fault, record, due))) return;
      }
    } catch (error) {
      this.#againAtMs.set(recordKeyOf(began), performance.now() + againAfterMs);
      if (this.#context.signal.aborted) return;
      this.#context.log.warn({ id: began.id, fault: began.fault, target: began.target, err: error }, "trying again");
    }
  }

  /** Whether it was written here, so that the next step may be due. */
  async #step(fault: Fault, record: FaultRecord, due: Due): Promise<boolean> {
    const { journal, hands } = this.#desk;
    const { began } = record;
    switch (due.kind) {
      case "wait":
        return false;
      case "fail":
        return await journal.write(laterEvent(began, "failed", due));
      case "end":
        return await journal.write(laterEvent(began, "reverting", due));
      case "look": {
        const sight = await look(fault, record, hands, this.#within(lookWithinMs));
        if (sight.kind === "nothing" || (sight.kind === "effective" && record.since.proved)) return false;
        return await journal.write(laterEvent(began, sight.kind === "over" ? "reverted" : "proved", sight));
      }
      case "revert":
        break;
    }
    const text = await this.#revert(fault, record);
    return text !== undefined && (await journal.write(laterEvent(began, "reverted", { text })));
  }

  async #revert(fault: Fault, record: FaultRecord): Promise<string | undefined> {
    try {
      return await revert(fault, record, this.#desk.hands, this.#within(revertWithinMs));
    } catch (error) {
      const { code, text } = failureOf(error);
      const told = { code: "REVERT_FAILED", text: `it's tried again until it works: ${code}: ${text}` };
      if (!this.#context.signal.aborted) await this.#desk.journal.write(laterEvent(record.began, "failed", told));
      throw error;
    }
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#context.signal, AbortSignal.timeout(ms)]);
  }
}

import type { EndedBy, FaultStatus, FaultVerb } from "./answers.ts";
import { quoted, Refusal } from "./supervisor-error.ts";

/** So many ended faults are remembered, so that a repeated command finds that its fault was made. */
const endedMax = 10_000;

export interface Fault {
  readonly status: FaultStatus;
  /** Why its last revert failed. */
  revertError?: string;
}

/** The faults that were made, by id, and which of them holds which target: one at most. */
export class Faults {
  readonly #byId = new Map<string, Fault>();
  readonly #running = new Map<string, Fault>();
  readonly #ended: string[] = [];

  /** The fault that holds a target. */
  on(target: string): Fault | undefined {
    return this.#running.get(target);
  }

  get running(): Fault[] {
    return [...this.#running.values()];
  }

  withId(id: string): Fault | undefined {
    return this.#byId.get(id);
  }

  /** The fault of this id, when it was made. Throws `FAULT_CONTRADICTS` when it's another verb's or target's. */
  madeBefore(id: string, verb: FaultVerb, target: string): Fault | undefined {
    const fault = this.#byId.get(id);
    if (fault && (fault.status.verb !== verb || fault.status.target !== target)) {
      throw new Refusal(
        "FAULT_CONTRADICTS",
        `fault ${quoted(id)} was made before, as ${fault.status.verb} of ${fault.status.target}, and is asked for as ` +
          `${verb} of ${target}: draw another id`,
      );
    }
    return fault;
  }

  /** Throws `FAULT_RUNNING` when a fault holds the target. */
  refuseSecond(target: string): void {
    const fault = this.on(target)?.status;
    if (!fault) return;
    const end = new Date(fault.endsAtMs).toISOString();
    throw new Refusal(
      "FAULT_RUNNING",
      `${target} is held by fault ${quoted(fault.id)} (${fault.verb}) until ${end}: revert it first, or wait`,
    );
  }

  add(status: FaultStatus): Fault {
    const fault: Fault = { status };
    this.#byId.set(status.id, fault);
    this.#running.set(status.target, fault);
    return fault;
  }

  end(fault: Fault, by: EndedBy): void {
    fault.status.ended = { atMs: Date.now(), by };
    delete fault.revertError;
    this.#running.delete(fault.status.target);
    this.#ended.push(fault.status.id);
    if (this.#ended.length > endedMax) this.#byId.delete(this.#ended.shift() ?? "");
  }
}

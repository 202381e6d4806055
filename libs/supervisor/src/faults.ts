import { FaultId } from "@operator/contracts/chaos";
import { TimeMs } from "@operator/contracts/names";
import { z } from "zod";
import type { EndedBy, FaultStatus } from "./answers.ts";
import { Effect, said } from "./effect.ts";
import { KeptFile } from "./kept-file.ts";
import { quoted, Refusal } from "./supervisor-error.ts";

/** So many ended faults are remembered, so that a repeated command finds that its fault was made. */
const endedMax = 10_000;

export interface Fault {
  readonly effect: Effect;
  readonly status: FaultStatus;
  /** Why its last revert failed. */
  revertError?: string;
}

const Kept = z.array(z.object({ effect: Effect, id: FaultId, beganAtMs: TimeMs, endsAtMs: TimeMs }));

/** The faults that were made, by id, and which of them holds which target: one at most. Those that run outlive a kill, given a file. */
export class Faults {
  readonly #byId = new Map<string, Fault>();
  readonly #running = new Map<string, Fault>();
  readonly #ended: string[] = [];
  readonly #kept: KeptFile<z.infer<typeof Kept>> | undefined;

  /** Throws `STATE_UNREADABLE`. */
  constructor(file?: string) {
    const kept = file === undefined ? undefined : new KeptFile(file, Kept);
    for (const { effect, ...times } of kept?.read() ?? []) this.add(effect, times);
    this.#kept = kept;
  }

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

  /** The fault of this id, when it was made. Throws `FAULT_CONTRADICTS` when it's another verb's, target's or network's. */
  madeBefore(id: string, asked: Effect): Fault | undefined {
    const fault = this.#byId.get(id);
    if (fault && said(fault.effect) !== said(asked)) {
      throw new Refusal(
        "FAULT_CONTRADICTS",
        `fault ${quoted(id)} was made before, as ${said(fault.effect)}, and is asked for as ${said(asked)}: draw another id`,
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

  add(effect: Effect, times: Pick<FaultStatus, "id" | "beganAtMs" | "endsAtMs">): Fault {
    const status = { ...effect, ...times };
    const fault: Fault = { effect, status };
    this.#byId.set(status.id, fault);
    this.#running.set(status.target, fault);
    this.#keep();
    return fault;
  }

  end(fault: Fault, by: EndedBy): void {
    fault.status.ended = { atMs: Date.now(), by };
    delete fault.revertError;
    this.#running.delete(fault.status.target);
    this.#keep();
    this.#ended.push(fault.status.id);
    if (this.#ended.length > endedMax) this.#byId.delete(this.#ended.shift() ?? "");
  }

  #keep(): void {
    this.#kept?.write(
      this.running.map(({ effect, status: { id, beganAtMs, endsAtMs } }) => ({ effect, id, beganAtMs, endsAtMs })),
    );
  }
}

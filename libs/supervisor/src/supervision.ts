import type { FaultId } from "@operator/contracts/chaos";
import type { Member } from "@operator/subject/fault";
import type { EndedBy, FaultAnswer, MemberStatus, VerbAnswer } from "./answers.ts";
import type { Driver, NetworkDriver } from "./driver.ts";
import { type Effect, isConnected, isThere, refuseUnfit, said } from "./effect.ts";
import { type Fault, Faults } from "./faults.ts";
import { quoted, Refusal } from "./supervisor-error.ts";
import { Turns } from "./turns.ts";
import { within } from "./within.ts";

/** How long a fault may last, in ms. */
export const faultMs = { min: 1_000, max: 600_000 };

/** So many operations on one target may be under way or wait. */
const waitingMax = 16;

export interface SupervisionLimits {
  /** The driver lists the members within this time. */
  listWithinMs: number;
  /** An answer comes within this time, even when the operation goes on. */
  answerWithinMs: number;
  /** What failed is reverted, and a revert that failed tried again, after so long. */
  retryMs: number;
  /** The close waits so long for operations and reverts. */
  closeWithinMs: number;
}

/** Carries out the verbs on members, one at a time for each target, and holds the end of every fault. */
export class Supervision {
  readonly #driver: Driver;
  readonly #limits: SupervisionLimits;
  readonly #turns = new Turns();
  readonly #faults: Faults;
  readonly #ends = new Map<Fault, NodeJS.Timeout>();
  #closing = false;

  /** `faultsFile`: the faults that run there, of a supervisor that was killed, are held to their ends. Throws `STATE_UNREADABLE`. */
  constructor(driver: Driver, limits: SupervisionLimits, faultsFile?: string) {
    this.#driver = driver;
    this.#limits = limits;
    this.#faults = new Faults(faultsFile);
    for (const fault of this.#faults.running) this.#holdEnd(fault, fault.status.endsAtMs - Date.now(), "time");
  }

  async list(): Promise<MemberStatus[]> {
    return (await this.#members()).map((member) => {
      const fault = this.#faults.on(member.target);
      if (!fault) return member;
      const { revertError, status } = fault;
      const { id, verb, network, endsAtMs } = status;
      return {
        ...member,
        fault: {
          id,
          verb,
          ...(network === undefined ? {} : { network }),
          endsAtMs,
          ...(revertError === undefined ? {} : { revertError }),
        },
      };
    });
  }

  /**
   * Kills or pauses a member, or cuts it off a network, for `forMs`. The end is held before the effect, and a verb that fails
   * is reverted soon after. An id that was used before is the same fault: it's answered, running or ended, and nothing is done.
   */
  async inject(
    effect: Effect,
    { fault: id, forMs }: { fault: FaultId; forMs: number },
    asked: AbortSignal,
  ): Promise<FaultAnswer> {
    if (!Number.isInteger(forMs) || forMs < faultMs.min || forMs > faultMs.max) {
      throw new Refusal(
        "BAD_TIME",
        `"forMs" is ${forMs}: give a whole number of milliseconds from ${faultMs.min} to ${faultMs.max}`,
      );
    }
    if (effect.verb === "disconnect") this.#networksFor(effect.verb);
    return await this.#inTurn(effect.target, asked, async (member) => {
      // Nothing is awaited from here until the fault is added, or two targets could be given one id.
      const before = this.#faults.madeBefore(id, effect);
      if (before) return { already: true, fault: before.status };
      this.#faults.refuseSecond(effect.target);
      refuseUnfit(effect, member);
      const beganAtMs = Date.now();
      const fault = this.#faults.add(effect, { id, beganAtMs, endsAtMs: beganAtMs + forMs });
      this.#holdEnd(fault, forMs, "time");
      try {
        await this.#bringAbout(effect);
      } catch (error) {
        // Not at once: what failed by taking too long may still take effect.
        this.#holdEnd(fault, this.#limits.retryMs, "failure");
        throw error;
      }
      return { already: false, fault: fault.status };
    });
  }

  /** Ends a fault before its time; one that has ended is answered as it ended. Throws `FAULT_UNKNOWN`. */
  async revert(id: string, asked: AbortSignal): Promise<FaultAnswer> {
    const fault = this.#faults.withId(id);
    if (!fault) {
      const running = this.#faults.running.map(({ status }) => status.id).join(", ") || "none";
      throw new Refusal("FAULT_UNKNOWN", `there is no fault ${quoted(id)}; running: ${running}`);
    }
    // Of a member that is there no more as well: that ends it.
    return await this.#takeTurn(
      fault.status.target,
      asked,
      async () => {},
      async () => {
        const already = fault.status.ended !== undefined;
        await this.#undo(fault, "revert");
        return { already, fault: fault.status };
      },
    );
  }

  /** Starts a member that isn't running and waits until it's ready; that ends the fault which holds it. */
  async start(target: string, asked: AbortSignal): Promise<VerbAnswer> {
    return await this.#inTurn(target, asked, async ({ state }) => {
      if (state === "paused")
        throw new Refusal("MEMBER_PAUSED", `${target} is paused, not stopped: a start doesn't help, unpause does`);
      const fault = this.#faults.on(target);
      if (state === "stopped") await this.#drive("start", target);
      const verb = fault?.effect.verb;
      if (fault && (verb === "kill" || (verb === "pause" && state === "stopped"))) this.#end(fault, "start");
      return { already: state === "running" };
    });
  }

  async unpause(target: string, asked: AbortSignal): Promise<VerbAnswer> {
    return await this.#inTurn(target, asked, async ({ state }) => {
      if (state === "stopped") throw new Refusal("NOT_RUNNING", `${target} is stopped: start it`);
      const fault = this.#faults.on(target);
      if (state === "paused") await this.#drive("unpause", target);
      if (fault?.effect.verb === "pause") this.#end(fault, "unpause");
      return { already: state === "running" };
    });
  }

  /** Takes a member back to a network that it was cut off; that ends the fault which cut it off. */
  async connect(target: string, network: string, asked: AbortSignal): Promise<VerbAnswer> {
    const networks = this.#networksFor("connect");
    return await this.#inTurn(target, asked, async (member) => {
      const already = isConnected(member, network);
      const fault = this.#faults.on(target);
      if (!already) await driven(`connect of ${target}`, networks.connect(target, network));
      if (fault?.effect.verb === "disconnect" && fault.effect.network === network) this.#end(fault, "connect");
      return { already };
    });
  }

  /** Lets a member end in order. It stays so: a stop is no fault and has no end. Refused while a fault holds the member. */
  async stop(target: string, asked: AbortSignal): Promise<VerbAnswer> {
    return await this.#inTurn(target, asked, async ({ state }) => {
      this.#faults.refuseSecond(target);
      if (state !== "stopped") await this.#drive("stop", target);
      return { already: state === "stopped" };
    });
  }

  /** Begins nothing more and reverts every fault. Throws `DRIVER_FAILED` with the faults that couldn't be reverted in time. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const timer of this.#ends.values()) clearTimeout(timer);
    for (const fault of this.#faults.running) this.#undoInTurn(fault, "close");
    await within(this.#limits.closeWithinMs, this.#turns.settled(), () => {});
    const left = this.#faults.running.map(({ effect, status: { id }, revertError = "it takes too long" }) => {
      return `${id} (${said(effect)}): ${revertError}`;
    });
    if (left.length > 0) throw new Refusal("DRIVER_FAILED", `not reverted: ${left.join("; ")}`);
  }

  /** Runs it in the target's turn, with the member as it is then. */
  async #inTurn<T>(target: string, asked: AbortSignal, operation: (member: Member) => Promise<T>): Promise<T> {
    await this.#member(target);
    return await this.#takeTurn(target, asked, () => this.#member(target), operation);
  }

  /** Looks, then runs it, in the target's turn. For who has given up by then nothing is begun. */
  async #takeTurn<T, Seen>(
    target: string,
    asked: AbortSignal,
    look: () => Promise<Seen>,
    operation: (seen: Seen) => Promise<T>,
  ): Promise<T> {
    const { answerWithinMs } = this.#limits;
    const progress = { begun: false, late: false };
    const turn = this.#turns.take(target, waitingMax, async () => {
      const seen = await look();
      // Both are looked at after the last wait: what is begun adds its fault at once, so that a close finds it.
      if (this.#closing) throw new Refusal("SUPERVISOR_CLOSING", "the supervisor is closing: it begins nothing more");
      if (progress.late || asked.aborted)
        throw new Refusal("OPERATION_LATE", `nobody waits for the operation on ${target} any more: it wasn't begun`);
      progress.begun = true;
      return await operation(seen);
    });
    return await within(answerWithinMs, turn, () => {
      progress.late = true;
      const then = progress.begun ? "it goes on; the list of members shows its outcome" : "it won't be begun";
      throw new Refusal("OPERATION_LATE", `the operation on ${target} takes longer than ${answerWithinMs} ms: ${then}`);
    });
  }

  #holdEnd(fault: Fault, ms: number, by: EndedBy): void {
    clearTimeout(this.#ends.get(fault));
    if (!this.#closing) {
      this.#ends.set(
        fault,
        setTimeout(() => this.#undoInTurn(fault, by), ms),
      );
    }
  }

  #undoInTurn(fault: Fault, by: EndedBy): void {
    // A failure is kept with the fault, and tried again.
    this.#turns.take(fault.status.target, Infinity, () => this.#undo(fault, by)).catch(() => {});
  }

  /** Takes back what of the fault is still there. */
  async #undo(fault: Fault, by: EndedBy): Promise<void> {
    if (fault.status.ended) return;
    try {
      const member = (await this.#members()).find(({ target }) => target === fault.effect.target);
      if (member && isThere(fault.effect, member)) await this.#takeBack(fault.effect);
      this.#end(fault, member ? by : "gone");
    } catch (error) {
      fault.revertError = messageOf(error);
      this.#holdEnd(fault, this.#limits.retryMs, by);
      throw error;
    }
  }

  #end(fault: Fault, by: EndedBy): void {
    clearTimeout(this.#ends.get(fault));
    this.#ends.delete(fault);
    this.#faults.end(fault, by);
  }

  async #bringAbout(effect: Effect): Promise<void> {
    if (effect.verb !== "disconnect") return await this.#drive(effect.verb, effect.target);
    const networks = this.#networksFor("disconnect");
    await driven(said(effect), networks.disconnect(effect.target, effect.network));
  }

  async #takeBack(effect: Effect): Promise<void> {
    if (effect.verb !== "disconnect")
      return await this.#drive(effect.verb === "kill" ? "start" : "unpause", effect.target);
    await driven(`connect of ${effect.target}`, this.#networksFor("connect").connect(effect.target, effect.network));
  }

  async #drive(verb: Exclude<keyof Driver, "members" | "networks">, target: string): Promise<void> {
    await driven(`${verb} of ${target}`, this.#driver[verb](target));
  }

  #networksFor(verb: "disconnect" | "connect"): NetworkDriver {
    const { networks } = this.#driver;
    if (networks) return networks;
    const why = "the members of this supervisor are processes of one host, which have no networks of their own";
    throw new Refusal("VERB_UNSUPPORTED", `${verb}: ${why}; it needs containers`);
  }

  async #members(): Promise<Member[]> {
    try {
      const { listWithinMs } = this.#limits;
      return await within(listWithinMs, this.#driver.members(), () => {
        throw new Error(`no answer within ${listWithinMs} ms`);
      });
    } catch (error) {
      throw refusalOf(error, "the members can't be listed");
    }
  }

  async #member(target: string): Promise<Member> {
    const members = await this.#members();
    const member = members.find((member) => member.target === target);
    if (!member) {
      const targets = members.map((member) => member.target).join(", ") || "none";
      throw new Refusal("TARGET_UNKNOWN", `there is no target ${quoted(target)}: there are ${targets}`);
    }
    return member;
  }
}

/** Throws `DRIVER_FAILED` with what the driver says, or its own refusal. */
async function driven(what: string, effect: Promise<void>): Promise<void> {
  try {
    await effect;
  } catch (error) {
    throw refusalOf(error, `${what} failed`);
  }
}

function refusalOf(error: unknown, what: string): Refusal {
  const code = error instanceof Refusal ? error.code : "DRIVER_FAILED";
  return new Refusal(code, `${what}: ${messageOf(error)}`, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import type { Violation } from "@operator/contracts/violation";
import { observedAs } from "@operator/stack/observed-as";
import { Stack, type StackPlan } from "@operator/stack/stack";
import { expect } from "vitest";
import { longFault } from "./tell-chaos.ts";
import { Witness } from "./witness.ts";

/** So long what fires is held though nobody sees it: some verdicts. */
const blindMs = 3_000;

/** The loop on a simulated TiKV cluster, whose waiting times and graces are shortened: both are said. */
export class TikvStage implements AsyncDisposable {
  readonly stack: Stack;
  readonly witness: Witness;
  /** Supervisor's member → what the loop calls it. */
  readonly stores: Map<string, string>;

  private constructor(stack: Stack, witness: Witness, stores: Map<string, string>) {
    this.stack = stack;
    this.witness = witness;
    this.stores = stores;
  }

  static async start(given: {
    graceScale: number;
    timeScale: number;
    /** Changes a member before it starts, once its time scale is set. */
    adjust?: NonNullable<StackPlan["adjust"]>;
  }): Promise<TikvStage> {
    const { graceScale, timeScale, adjust } = given;
    console.log(`graces and hold-downs × ${graceScale}; PD's and TiKV's waiting times ÷ ${timeScale} (a simulator)`);
    const stack = await Stack.start({
      subject: "tikv",
      graceScale,
      counts: { chaos: 1 },
      timeScale,
      ...(adjust && { adjust }),
    });
    const witness = new Witness(await stack.connect("cli"), stack.subject);
    await witness.allWell(120_000);
    const members = [...stack.kinds].flatMap(([name, kind]) => (kind === "store" ? [name] : []));
    const named = await Promise.all(members.map(async (member) => [member, await observedAs(stack, member)] as const));
    return new TikvStage(stack, witness, new Map(named));
  }

  store(member: string): string {
    const name = this.stores.get(member);
    if (name === undefined) throw new Error(`no store "${member}": there are ${[...this.stores.keys()].join(", ")}`);
    return name;
  }

  /** A fault whose end is far away, by a message to chaos. */
  async fault(fault: string, target: string, parameters: Record<string, number> = {}) {
    return longFault(await this.stack.connect("cli"), { subject: "tikv", fault, target, parameters });
  }

  /** Members that are killed at once, and started again. */
  killing(...names: readonly string[]) {
    const members = names.map((name) => this.stack.member(name));
    return {
      breakIt: async () => void (await Promise.all(members.map((member) => member.kill()))),
      mend: async () => void (await Promise.all(members.map((member) => member.restart()))),
    };
  }

  /** The newest word on an invariant, whatever its target, once it fires. */
  async fires(invariant: string, withinMs = 90_000): Promise<Violation> {
    const look = () => this.witness.violations.findLast((one) => one.invariant === invariant && one.state === "firing");
    return await this.witness.until(`${invariant} fires`, look, withinMs);
  }

  /**
   * Something breaks: it fires, with an open ticket, or with what explains it and none. While its source is blind it stays so;
   * seen again it fires; mended it clears. Then all is well.
   */
  async through(given: {
    invariant: string;
    /** Absent: whichever it is. */
    target?: string;
    breakIt: () => Promise<void>;
    mend: () => Promise<void>;
    /** The invariant that explains it. */
    symptomOf?: string;
    /** What is blind meanwhile; the observer unless told. */
    blind?: { begin: () => Promise<void>; end: () => Promise<void> };
    firesWithinMs?: number;
  }): Promise<void> {
    const { witness, stack } = this;
    const { invariant, symptomOf } = given;
    const blind = given.blind ?? {
      begin: () => stack.service("observer-1").kill(),
      end: async () => void (await stack.startService("observer", "observer-1")),
    };
    await given.breakIt();
    const { target } =
      given.target === undefined
        ? await this.fires(invariant, given.firesWithinMs)
        : { ...given, target: given.target };
    const isFiring = () => {
      const now = witness.violation(invariant, target);
      return now?.state === "firing" && now;
    };
    const firing = await witness.until(`${invariant} of ${target} fires`, isFiring, given.firesWithinMs ?? 90_000);
    if (symptomOf === undefined) {
      const isOpen = () => witness.ticket(invariant, target)?.status === "open";
      await witness.until(`a ticket of ${invariant} ${target}`, isOpen);
    } else {
      expect(firing.explainedBy.map((cause) => cause.split(".")[1])).toContain(symptomOf);
      expect(witness.ticket(invariant, target)).toBeUndefined();
    }
    const opened = witness.ticket(invariant, target)?.id;
    const isHeld = () => {
      const ticket = witness.ticket(invariant, target);
      return ticket?.id === opened && (symptomOf !== undefined || ticket?.status === "open");
    };
    await blind.begin();
    const unseen = await witness.reaches(invariant, target, "blind", firing.asOf);
    await witness.throughout(`${invariant} of ${target} holds while nobody sees it`, isHeld, blindMs);
    await blind.end();
    await witness.reaches(invariant, target, "firing", unseen.asOf);
    // No clearing and coming back on the way.
    expect(isHeld()).toBe(true);
    await given.mend();
    const isCleared = () => {
      const now = witness.violation(invariant, target);
      return now?.state === "cleared" && now.asOf > unseen.asOf;
    };
    // What is of the last minute clears a minute later.
    await witness.until(`${invariant} of ${target} cleared`, isCleared, 150_000);
    if (symptomOf === undefined) {
      const { id, closedBy } = await witness.closes(invariant, target);
      expect({ id, closedBy }).toEqual({ id: opened, closedBy: "observation" });
    }
    await witness.allWell(120_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.witness[Symbol.asyncDispose]();
    await this.stack.stop();
  }
}

import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { Action, type ActionStep } from "@operator/contracts/action";
import type { ActionId } from "@operator/contracts/action-id";
import { flow } from "@operator/contracts/flow";
import type { Json } from "@operator/contracts/json";
import type { Logger } from "@operator/service/log";
import { asOfStep, withStep } from "./steps.ts";

const triesMax = 50;

/**
 * All actions, in KV; in mind are those that aren't settled. Every step is a compare-and-set, so of several actuators one makes it; its event follows from the
 * state and is sent again until the state says that it was.
 */
export class Book {
  readonly #bus: Bus;
  readonly #bucket: Bucket<Action>;
  readonly #log: Logger;
  readonly #isSettled: (action: Action) => Promise<boolean>;
  readonly #known = new Map<ActionId, Action>();
  #after = 0;

  private constructor(
    bus: Bus,
    bucket: Bucket<Action>,
    { log, isSettled }: { log: Logger; isSettled: (action: Action) => Promise<boolean> },
  ) {
    this.#bus = bus;
    this.#bucket = bucket;
    this.#log = log;
    this.#isSettled = isSettled;
  }

  /** `isSettled`: nothing is to be done about an action, and no other one counts it. */
  static async open(bus: Bus, given: { log: Logger; isSettled: (action: Action) => Promise<boolean> }): Promise<Book> {
    const book = new Book(bus, await bus.bucket("actions", Action), given);
    await book.refresh();
    return book;
  }

  /** Those that this process has in mind: its own steps at once, others' since the last `refresh`. */
  all(): Action[] {
    return [...this.#known.values()];
  }

  has(id: ActionId): boolean {
    return this.#known.has(id);
  }

  /** Reads what others wrote, and forgets what is settled. */
  async refresh(): Promise<void> {
    for await (const batch of this.#bucket.scan(this.#after)) {
      for (const entry of batch) {
        this.#after = Math.max(this.#after, entry.revision);
        if ("value" in entry) this.#learn(entry.value);
        else this.#log.error({ err: entry.unreadable }, "an action can't be read, so nothing is done about it");
      }
      await this.#forget();
    }
    await this.#forget();
  }

  async #forget(): Promise<void> {
    for (const action of this.all()) if (await this.#isSettled(action)) this.#known.delete(action.id);
  }

  async get(id: ActionId): Promise<Action | undefined> {
    return (await this.#bucket.get(id))?.value;
  }

  /** A new action; undefined when there is one of this id. */
  async propose(action: Action): Promise<Action | undefined> {
    const revision = await this.#bucket.create(action.id, action);
    if (revision === "conflict") return undefined;
    this.#learn(action);
    return await this.#tell(action);
  }

  /** Makes a step from what the action is at the bus now. Undefined when `decide` doesn't want it any more, or no arrow leads there. */
  async step(
    id: ActionId,
    decide: (now: Action) => { step: ActionStep; changes?: Partial<Action> } | undefined,
  ): Promise<Action | undefined> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const entry = await this.#bucket.get(id);
      if (!entry) return undefined;
      this.#learn(entry.value);
      const wanted = decide(entry.value);
      const next = wanted && withStep(entry.value, wanted.step, wanted.changes);
      if (!next) return undefined;
      if ((await this.#bucket.update(id, next, entry.revision)) === "conflict") continue;
      this.#learn(next);
      return await this.#tell(next);
    }
    throw new Error(`action ${id}: another write came first ${triesMax} times`);
  }

  /** Writes down what an undo needs to know, before the effect. False where the action isn't claimed any more. */
  async keep(id: ActionId, before: Json): Promise<boolean> {
    const entry = await this.#bucket.change(id, (now) => (now?.state === "claimed" ? { ...now, before } : undefined));
    if (entry) this.#learn(entry.value);
    return entry?.value.state === "claimed";
  }

  /** Sends the events that an action's state implies and that weren't recorded as sent. */
  async tellUnsent(): Promise<void> {
    for (const action of this.all()) if (action.sent < action.steps.length) await this.#tell(action);
  }

  async #tell(action: Action): Promise<Action> {
    for (let n = action.sent + 1; n <= action.steps.length; n++) {
      await this.#bus.publish(flow.action, asOfStep(action, n));
    }
    const last = action.steps.at(-1);
    this.#log.info({ ticket: action.ticket, action: action.id, state: action.state, code: last?.code }, last?.text);
    const sent = action.steps.length;
    const recorded = await this.#bucket.change(action.id, (now) =>
      now === undefined || now.sent >= sent ? undefined : { ...now, sent },
    );
    const value = recorded?.value ?? action;
    this.#learn(value);
    return value;
  }

  /** What was read may be older than what this process wrote meanwhile. */
  #learn(action: Action): void {
    const known = this.#known.get(action.id);
    if (!known || action.revision >= known.revision) this.#known.set(action.id, action);
  }
}

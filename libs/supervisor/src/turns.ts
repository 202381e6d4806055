import { Refusal } from "./supervisor-error.ts";

/** One operation at a time for each target, in the order in which they came. */
export class Turns {
  readonly #queues = new Map<string, { last: Promise<unknown>; waiting: number }>();

  /** Runs it when all that came before for this target has settled. Throws `SUPERVISOR_BUSY` when as many as allowed wait. */
  async take<T>(target: string, waitingMax: number, operation: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(target) ?? { last: Promise.resolve(), waiting: 0 };
    this.#queues.set(target, queue);
    if (queue.waiting >= waitingMax)
      throw new Refusal("SUPERVISOR_BUSY", `${queue.waiting} operations on ${target} are under way: try again later`);
    queue.waiting += 1;
    const turn = queue.last.then(operation).finally(() => {
      queue.waiting -= 1;
      if (queue.waiting === 0) this.#queues.delete(target);
    });
    queue.last = turn.catch(() => {});
    return await turn;
  }

  /** Resolves when what has been asked until now is settled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ last }) => last));
  }
}

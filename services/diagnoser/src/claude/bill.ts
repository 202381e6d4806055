import type { Cost } from "@operator/contracts/diagnosis";
import { mostOf, type Usage, usdOf } from "@operator/evidence/prices";

/** What the calls of one attempt cost so far. */
export class Bill {
  readonly #model: string;
  #cost: Cost | undefined;

  constructor(model: string) {
    this.#model = model;
  }

  /** A call that said what it used. */
  add(usage: Usage): void {
    const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
    const before = this.#cost;
    this.#cost = {
      ...before,
      usd: (before?.usd ?? 0) + usdOf(this.#model, usage),
      inputTokens: (before?.inputTokens ?? 0) + inputTokens + cacheReadTokens + cacheWriteTokens,
      outputTokens: (before?.outputTokens ?? 0) + outputTokens,
      calls: (before?.calls ?? 0) + 1,
    };
  }

  /** A call that ended before it did: thinking isn't seen while it's written, so the most is assumed. */
  addMost(request: { max_tokens: number }): void {
    this.add(mostOf(request));
    if (this.#cost) this.#cost = { ...this.#cost, upperBound: true };
  }

  get usd(): number {
    return this.#cost?.usd ?? 0;
  }

  /** Undefined while nothing was spent. */
  get cost(): Cost | undefined {
    return this.#cost;
  }
}

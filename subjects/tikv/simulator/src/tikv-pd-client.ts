import type { z } from "zod";
import { createAgent, tell } from "./ask.ts";

/** Tells PD's leader: whichever of the members it is now. */
export class PdClient {
  readonly #agent = createAgent();
  readonly #urls: string[];
  #at = 0;

  constructor(urls: string[]) {
    this.#urls = urls;
  }

  /** Tries each member once, the last that answered first; undefined when none of them leads. */
  async tell<T>(path: string, message: unknown, answer: z.ZodType<T>, withinMs = 1_500): Promise<T | undefined> {
    for (let tried = 0; tried < this.#urls.length; tried++) {
      const url = this.#urls[this.#at % this.#urls.length];
      const told = await tell(this.#agent, `${url}/simulator/${path}`, message, answer, withinMs);
      if (told.kind === "answer" && told.status === 200) return told.body;
      this.#at += 1;
    }
    return undefined;
  }
}

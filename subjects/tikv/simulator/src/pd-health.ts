import type { Leadership } from "./pd-leadership.ts";

const rhythmMs = 1_000;

/** Whether each member answered when the leader last looked: once a second. */
export class PdHealth {
  readonly states = new Map<string, boolean>();
  readonly #leadership: Leadership;
  readonly #name: string;

  constructor(leadership: Leadership, name: string) {
    this.#leadership = leadership;
    this.#name = name;
    setInterval(() => void this.#look(), rhythmMs).unref();
  }

  async #look(): Promise<void> {
    if (!this.#leadership.isServing) return;
    for (const member of this.#leadership.members) {
      if (member.name === this.#name) {
        this.states.set(member.name, true);
        continue;
      }
      const isWell = await fetch(`${member.clientUrl}/pd/api/v1/ping`, { signal: AbortSignal.timeout(3_000) }).then(
        ({ ok }) => ok,
        () => false,
      );
      this.states.set(member.name, isWell);
    }
  }
}

import type { Bucket } from "@operator/bus/bucket";
import type { Ticket } from "@operator/contracts/ticket";

const hourMs = 3_600_000;

/**
 * What all diagnosers spent in the last hour, from the diagnoses that tickets keep, so that a restart forgets nothing. What
 * this process spends counts at once. Several processes may each begin one call per slot before they see each other's.
 */
export class Spending {
  readonly #tickets: Pick<Bucket<Ticket>, "scan">;
  /** By ticket and attempt. */
  readonly #spent = new Map<string, { usd: number; atMs: number }>();
  #revision = 0;

  constructor(tickets: Pick<Bucket<Ticket>, "scan">) {
    this.#tickets = tickets;
  }

  /** Says what an attempt has spent so far, the most that its call under way may cost included. */
  note(ticket: string, attempt: number, usd: number, atMs: number): void {
    this.#spent.set(`${ticket}:${attempt}`, { usd, atMs });
  }

  /** Reads what tickets were told since it was read last. */
  async refresh(): Promise<void> {
    for await (const batch of this.#tickets.scan(this.#revision)) {
      for (const entry of batch) {
        this.#revision = Math.max(this.#revision, entry.revision);
        if ("value" in entry) this.#take(entry.value);
      }
    }
  }

  /** US dollars, as far as was read, but for one attempt's own. */
  lastHourUsd(nowMs: number, except: { ticket: string; attempt: number }): number {
    let usd = 0;
    for (const [key, each] of this.#spent) {
      if (each.atMs <= nowMs - hourMs) this.#spent.delete(key);
      else if (key !== `${except.ticket}:${except.attempt}`) usd += each.usd;
    }
    return usd;
  }

  #take({ id, attempts }: Ticket): void {
    for (const { attempt, endedAtMs, diagnosis } of attempts) {
      if (diagnosis?.cost && endedAtMs !== undefined) this.note(id, attempt, diagnosis.cost.usd, endedAtMs);
    }
  }
}

/** US dollars that a ticket's attempts before this one cost. */
export function spentOn({ attempts }: Ticket, attempt: number): number {
  return attempts.reduce((usd, each) => usd + (each.attempt === attempt ? 0 : (each.diagnosis?.cost?.usd ?? 0)), 0);
}

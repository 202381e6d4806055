import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { Silence, silenceOf } from "@operator/contracts/silence";
import type { Logger } from "./log.ts";

/** The silences in KV, as of the last look. */
export class Silences {
  readonly #bucket: Bucket<Silence>;
  readonly #log: Logger;
  #known: Silence[] = [];
  #revision: number | undefined;

  private constructor(bucket: Bucket<Silence>, log: Logger) {
    this.#bucket = bucket;
    this.#log = log;
  }

  static async open(bus: Bus, log: Logger): Promise<Silences> {
    const silences = new Silences(await bus.bucket("silences", Silence), log);
    await silences.refresh();
    return silences;
  }

  /** Reads them anew when one was written or removed since. */
  async refresh(): Promise<void> {
    // Before they're read: what is written meanwhile is read again then.
    const revision = await this.#bucket.lastRevision();
    if (revision === this.#revision) return;
    const known: Silence[] = [];
    for await (const batch of this.#bucket.scan()) {
      for (const entry of batch) {
        if ("value" in entry) known.push(entry.value);
        else this.#log.error({ err: entry.unreadable }, "a silence can't be read, so it holds for nothing");
      }
    }
    this.#known = known;
    this.#revision = revision;
  }

  /** The one that holds for this now. */
  of(about: { subject: string; target: string; invariant: string }): Silence | undefined {
    return silenceOf(this.#known, about, Date.now());
  }
}

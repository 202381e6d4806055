import type { Bucket } from "@operator/bus/bucket";
import { type HaltLever, leverAtFirst, leverKey } from "@operator/contracts/chaos";

/** The halt, kept on the bus so that it survives every instance. */
export class Lever {
  readonly #bucket: Bucket<HaltLever>;

  constructor(bucket: Bucket<HaltLever>) {
    this.#bucket = bucket;
  }

  async read(): Promise<HaltLever> {
    return (await this.#bucket.get(leverKey))?.value ?? leverAtFirst;
  }

  /** The newest word holds: an older one that is delivered again changes nothing. */
  async move(word: HaltLever): Promise<HaltLever> {
    const entry = await this.#bucket.change(leverKey, (now) => (now && !isNewer(word, now) ? undefined : word));
    return entry?.value ?? word;
  }
}

/** By the bus' clock, as the sequence alone begins anew with the stream. */
function isNewer(word: HaltLever, than: HaltLever): boolean {
  return word.atMs > than.atMs || (word.atMs === than.atMs && word.sequence > than.sequence);
}

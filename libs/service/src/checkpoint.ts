import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import type { StreamName } from "@operator/contracts/streams";
import { z } from "zod";

/** How far a fold has come: everything up to here is in its state. `streamCreatedAtMs` tells a stream made anew. */
const Place = z.object({ sequence: z.int().nonnegative(), streamCreatedAtMs: z.number() });
type Place = z.infer<typeof Place>;

/**
 * A fold's checkpoint in KV, shared by all instances of a service: each applies everything, so the furthest one's word holds for all.
 * Too low only costs reading again.
 */
export class Checkpoint {
  readonly #bus: Bus;
  readonly #bucket: Bucket<Place>;
  readonly #stream: StreamName;
  #streamCreatedAtMs: number;
  #reached: number;
  #saved: number;

  private constructor(bus: Bus, bucket: Bucket<Place>, stream: StreamName, place: Place) {
    this.#bus = bus;
    this.#bucket = bucket;
    this.#stream = stream;
    this.#streamCreatedAtMs = place.streamCreatedAtMs;
    this.#reached = place.sequence;
    this.#saved = place.sequence;
  }

  static async open(bus: Bus, stream: StreamName): Promise<Checkpoint> {
    const bucket = await bus.bucket("checkpoints", Place);
    const { createdAtMs } = await bus.streamState(stream);
    const stored = (await bucket.get(keyOf(bus, stream)))?.value;
    const isOfThisStream = stored?.streamCreatedAtMs === createdAtMs;
    const sequence = isOfThisStream ? stored.sequence : 0;
    return new Checkpoint(bus, bucket, stream, { sequence, streamCreatedAtMs: createdAtMs });
  }

  /** Where to read on: from the first message when there's no checkpoint for this very stream. */
  get from(): { after: number } | "first" {
    return this.#reached === 0 ? "first" : { after: this.#reached };
  }

  /** Takes note that everything up to here is in the state. */
  reached(sequence: number): void {
    this.#reached = sequence;
  }

  /** The stream was made anew: what was reached before means nothing. */
  async begunAnew(): Promise<void> {
    this.#streamCreatedAtMs = (await this.#bus.streamState(this.#stream)).createdAtMs;
    this.#reached = 0;
  }

  /** Writes what was reached, unless another instance is further. */
  async save(): Promise<void> {
    const place = { sequence: this.#reached, streamCreatedAtMs: this.#streamCreatedAtMs };
    if (place.sequence === this.#saved) return;
    await this.#bucket.change(keyOf(this.#bus, this.#stream), (now) => {
      const isFurther = now?.streamCreatedAtMs === place.streamCreatedAtMs && now.sequence >= place.sequence;
      return isFurther ? undefined : place;
    });
    this.#saved = place.sequence;
  }
}

function keyOf({ user }: Bus, stream: StreamName): string {
  return `${user}.${stream}`;
}

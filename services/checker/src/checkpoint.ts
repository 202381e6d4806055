import type { Bus } from "@operator/bus/bus";
import { BusError } from "@operator/bus/failure";
import type { Bucket } from "@operator/bus/bucket";
import type { Received } from "@operator/bus/received";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import { toToken } from "@operator/contracts/tokens";
import { freshMemory, Memory, progressOf } from "./memory.ts";

export interface Kept {
  memory: Memory;
  revision: number;
}

/** What became of a save. `adopted`: another checker is as far or further. `behind`: another wrote less; try again on its revision. */
export type Saved = { how: "saved" | "adopted" | "behind"; stored: Kept };

/** The memory that all checkers of a subject share, by compare-and-set. */
export class Checkpoint {
  readonly #bucket: Bucket<Memory>;
  readonly #key: string;

  private constructor(bucket: Bucket<Memory>, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  /** Where to go on. The first checker ever makes the record, so that all date the same start. */
  static async open(bus: Bus, subject: SubjectName, nowMs: number): Promise<{ checkpoint: Checkpoint; kept: Kept }> {
    const checkpoint = new Checkpoint(await bus.bucket("checks", Memory), toToken(subject));
    const stored = await checkpoint.#bucket.get(checkpoint.#key);
    if (stored) return { checkpoint, kept: keptOf(stored) };
    // From the newest snapshot on: what was before it would be old news.
    const newest = await newestSnapshot(bus, subject);
    const sequence = newest ? newest.sequence - 1 : 0;
    const memory = freshMemory({ subject, startedAtMs: nowMs, sequence });
    return { checkpoint, kept: await checkpoint.#create(memory) };
  }

  /** Replaces the memory of that revision, unless another checker was here. */
  async save(memory: Memory, revision: number): Promise<Saved> {
    const written = await this.#bucket.update(this.#key, memory, revision);
    if (written !== "conflict") return { how: "saved", stored: { memory, revision: written } };
    const entry = await this.#bucket.get(this.#key);
    const stored = entry ? keptOf(entry) : await this.#create(memory);
    return { how: progressOf(stored.memory, memory) === "less" ? "behind" : "adopted", stored };
  }

  async #create(memory: Memory): Promise<Kept> {
    const revision = await this.#bucket.create(this.#key, memory);
    if (revision !== "conflict") return { memory, revision };
    const stored = await this.#bucket.get(this.#key);
    if (!stored) throw new Error(`KV checks ${this.#key} vanishes as soon as it's made: who removes it?`);
    return keptOf(stored);
  }
}

/** The newest snapshot of a subject that can be read; one that can't is a dead letter, and no sign of life. */
export async function newestSnapshot(bus: Bus, subject: SubjectName): Promise<Received<Snapshot> | undefined> {
  try {
    return await bus.last(flow.snapshot, patternOf(flow.snapshot, { subject }));
  } catch (error) {
    if (error instanceof BusError && error.code.startsWith("BAD_")) return undefined;
    throw error;
  }
}

function keptOf({ value, revision }: { value: Memory; revision: number }): Kept {
  return { memory: value, revision };
}

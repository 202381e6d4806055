import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { EvidenceReference } from "@operator/contracts/violation";
import type { Case } from "./case.ts";
import { pointersIn, read, type Reading } from "./judge.ts";
import type { Recall } from "./recall.ts";
import type { Room } from "./room.ts";
import { isFired, type Mark, pointersMax, type Track } from "./track.ts";

/** What violations rest on, as far as the snapshots are still at hand: what is missing is said by its absence. */
export class Citing {
  readonly #room: Room;
  readonly #recall: Recall;
  readonly #cited = new Map<string, Snapshot>();
  /** A thousand targets that break at once cite one snapshot, which is read once. */
  readonly #readings = new Map<Snapshot, Reading>();

  constructor(room: Room, recall: Recall) {
    this.#room = room;
    this.#recall = recall;
  }

  /** The snapshots that were cited: to be kept before who cites them is said. */
  get cited(): Snapshot[] {
    return [...this.#cited.values()];
  }

  /** Gives a track that has just fired its first bad and last good snapshot. */
  cite(track: Track | undefined, now: Case, at: { snapshot?: Snapshot; mark?: Mark }): Track | undefined {
    if (!isFired(track)) return track;
    const { firstBad: mark, pointers } = track.breach;
    const isNow = mark !== undefined && mark.sequence === at.mark?.sequence;
    const first = mark && !isNow ? this.#recall.get(mark.sequence) : undefined;
    const present = now.judgement.verdict === "violated" ? now.judgement.pointers : pointers;
    const bad = first ? this.#refer(first, pointers) : at.snapshot ? this.#refer(at.snapshot, present) : undefined;
    const good = track.lastGood && this.#recall.get(track.lastGood.sequence);
    const goodPointers = good ? pointersIn(this.#read(good), track, this.#room) : [];
    const lastGood = good && this.#refer(good, goodPointers.length > 0 ? goodPointers : pointers);
    const fired = { ...track.fired, ...(bad ? { firstBad: bad } : {}), ...(lastGood ? { lastGood } : {}) };
    return { ...track, fired };
  }

  #refer(snapshot: Snapshot, pointers: string[]): EvidenceReference {
    const address = addressOf(flow.evidence, snapshot);
    this.#cited.set(address, snapshot);
    return { address, atMs: snapshot.atMs, pointers: pointers.slice(0, pointersMax) };
  }

  #read(snapshot: Snapshot): Reading {
    const reading = this.#readings.get(snapshot) ?? read(snapshot, this.#room);
    this.#readings.set(snapshot, reading);
    return reading;
  }
}

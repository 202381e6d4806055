import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

export const Change = z.object({ key: z.string(), value: z.unknown() });
export type Change = z.infer<typeof Change>;
export const Position = z.object({ term: z.int(), revision: z.int() });
/** How far a member's keys are: later is a higher term, then a higher revision. */
export type Position = z.infer<typeof Position>;

const Kept = z.object({ position: Position, keys: z.record(z.string(), z.unknown()) });
const Ballot = z.object({ term: z.int(), votedFor: z.string().optional() });

/** Of each member, how many changes are kept so that another one that fell behind gets these instead of all keys. */
const changesMax = 4_096;

/** A member's copy of PD's keys (what etcd keeps in a real one), in memory and in its data folder. */
export class QuorumLog {
  readonly keys = new Map<string, unknown>();
  position: Position = { term: 0, revision: 0 };
  ballot: z.infer<typeof Ballot> = { term: 0 };
  readonly #folder: string;
  /** The newest changes, one after another up to `position`. */
  #changes: { before: Position; change: Change }[] = [];
  #isSaving = false;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const kept = this.#read("keys.json", Kept);
    if (kept !== undefined) this.replace(kept.position, kept.keys);
    this.ballot = this.#read("ballot.json", Ballot) ?? this.ballot;
  }

  /** Before a vote is given it's kept: a member that comes back mustn't give it twice. */
  saveBallot(): void {
    this.#write("ballot.json", this.ballot);
  }

  /** A value of null takes the key away. */
  append(term: number, changes: Change[]): void {
    for (const change of changes) {
      this.#changes.push({ before: this.position, change });
      if (change.value === null) this.keys.delete(change.key);
      else this.keys.set(change.key, change.value);
      this.position = { term, revision: this.position.revision + 1 };
    }
    if (this.#changes.length > changesMax) this.#changes = this.#changes.slice(-changesMax / 2);
    this.#save();
  }

  replace(position: Position, keys: Record<string, unknown>): void {
    this.keys.clear();
    for (const [key, value] of Object.entries(keys)) this.keys.set(key, value);
    this.position = position;
    this.#changes = [];
    this.#save();
  }

  /** What a member at `from` misses; undefined when only all keys help it. */
  since(from: Position): Change[] | undefined {
    if (isSame(from, this.position)) return [];
    const at = this.#changes.findIndex(({ before }) => isSame(before, from));
    return at === -1 ? undefined : this.#changes.slice(at).map(({ change }) => change);
  }

  /** Several changes in a row are one write of the file. */
  #save(): void {
    if (this.#isSaving) return;
    this.#isSaving = true;
    setTimeout(() => {
      this.#isSaving = false;
      this.#write("keys.json", { position: this.position, keys: Object.fromEntries(this.keys) });
    }, 250);
  }

  #read<T>(name: string, schema: z.ZodType<T>): T | undefined {
    try {
      return schema.parse(JSON.parse(readFileSync(join(this.#folder, name), "utf8")));
    } catch {
      // None yet.
      return undefined;
    }
  }

  #write(name: string, value: unknown): void {
    const path = join(this.#folder, name);
    writeFileSync(`${path}.new`, JSON.stringify(value));
    renameSync(`${path}.new`, path);
  }
}

export function isSame(a: Position, b: Position): boolean {
  return a.term === b.term && a.revision === b.revision;
}

export function isAtLeast(a: Position, b: Position): boolean {
  return a.term > b.term || (a.term === b.term && a.revision >= b.revision);
}

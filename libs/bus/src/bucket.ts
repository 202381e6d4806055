import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { compiledOf } from "@operator/contracts/compiled";
import type { BucketName } from "@operator/contracts/streams";
import { z } from "zod";
import { check } from "./checked.ts";
import { BusError, isConflict } from "./failure.ts";
import { failpoint } from "./failpoint.ts";
import type { Link } from "./link.ts";
import { store } from "./publish.ts";
import type { Pulled } from "./ordered-pull.ts";
import { presentBatches, readPresent } from "./read-present.ts";

export interface Entry<T> {
  value: T;
  revision: number;
}

/** An entry found by a scan; without a value when that can't be read. */
export type Scanned<T> = { key: string; revision: number } & ({ value: T } | { unreadable: BusError });

/** One write of a key, as a bucket's history has it. */
export type Write<T> = Scanned<T> | { key: string; revision: number; removed: true };

type Stored = Pick<StoredMsg, "data" | "header" | "seq">;

/** Keys with compare-and-set. Values are parsed when read: one that doesn't fit is a `BAD_VALUE`. Keys are tokens joined by dots. */
export class Bucket<T> {
  readonly name: BucketName;
  readonly #link: Link;
  readonly #schema: z.ZodType<T>;

  constructor(link: Link, name: BucketName, schema: z.ZodType<T>) {
    this.name = name;
    this.#link = link;
    this.#schema = compiledOf(schema);
  }

  async get(key: string): Promise<Entry<T> | undefined> {
    const stored = await this.#last(key);
    return stored && isPresent(stored) ? this.#entry(key, stored) : undefined;
  }

  /** Writes a key that isn't there. Its revision, or `conflict` when it is. */
  create(key: string, value: T): Promise<number | "conflict"> {
    return failpoint(`kv.${this.name}:create`, async () => {
      const body = this.#encode(key, value);
      const revision = await this.#write(key, body, 0);
      if (revision !== "conflict") return revision;
      // The newest entry may be the mark of a removed key: that one is to be replaced.
      const stored = await this.#last(key);
      return stored && !isPresent(stored) ? await this.#write(key, body, stored.seq) : "conflict";
    });
  }

  /** Replaces the value of that revision. */
  update(key: string, value: T, revision: number): Promise<number | "conflict"> {
    return failpoint(`kv.${this.name}:update`, () => this.#write(key, this.#encode(key, value), revision));
  }

  /** Removes the key; with a revision, only when that's still the newest. */
  remove(key: string, revision?: number): Promise<"removed" | "conflict"> {
    return failpoint(`kv.${this.name}:delete`, async () =>
      (await this.#write(key, "", revision, "DEL")) === "conflict" ? "conflict" : "removed",
    );
  }

  /** Reads, changes, writes, and again when another came first. `fn` gives undefined to leave the entry as it is. */
  async change(key: string, fn: (now: T | undefined) => T | undefined, triesMax = 30): Promise<Entry<T> | undefined> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const now = await this.get(key);
      const value = fn(now?.value);
      if (value === undefined) return now;
      const revision = now ? await this.update(key, value, now.revision) : await this.create(key, value);
      if (revision !== "conflict") return { value, revision };
      await sleep(Math.random() * 5 * tries);
    }
    throw new BusError("CONTENTION", `bucket ${this.name}, key ${key}: another write came first ${triesMax} times`);
  }

  /** All entries, or those whose key starts with the tokens of `prefix`. */
  async entries(prefix?: string): Promise<{ key: string; value: T; revision: number }[]> {
    const filter = `$KV.${this.name}.${prefix === undefined || prefix === "" ? "" : `${prefix}.`}>`;
    const present = await this.#link.insist(`read ${filter}`, () => readPresent(this.#link, `KV_${this.name}`, filter));
    return present.flatMap((pulled) => (isMark(pulled) ? [] : [this.#pulled(pulled)]));
  }

  /**
   * What there is, or what was written after a revision, in batches, so that a large bucket isn't held at once. Throws when
   * the connection goes away. For a bucket without history: with one, an older value of a key may come before its newest.
   */
  async *scan(after = 0): AsyncGenerator<Scanned<T>[], void, undefined> {
    for await (const batch of this.#batches(after > 0 ? { after } : "newest")) {
      yield batch.flatMap((pulled) => (isMark(pulled) ? [] : [this.#scanned(pulled)]));
    }
  }

  /** Every write after a revision that the bucket's history still holds, in order. Throws when the connection goes away. */
  async writes(after: number): Promise<Write<T>[]> {
    const writes: Write<T>[] = [];
    for await (const batch of this.#batches({ after })) {
      for (const pulled of batch) {
        const { sequence: revision } = pulled;
        writes.push(isMark(pulled) ? { key: this.#keyOf(pulled), revision, removed: true } : this.#scanned(pulled));
      }
    }
    return writes;
  }

  #batches(from: "newest" | { after: number }): AsyncGenerator<Pulled[], void, undefined> {
    return presentBatches(this.#link, `KV_${this.name}`, `$KV.${this.name}.>`, from);
  }

  /** The revision of the newest write of any key. */
  async lastRevision(): Promise<number> {
    const stream = `KV_${this.name}`;
    const { state } = await this.#link.insist(`look at ${stream}`, () => this.#link.api.streams.info(stream));
    return state.last_seq;
  }

  #scanned(pulled: Pulled): Scanned<T> {
    try {
      return this.#pulled(pulled);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      return { key: this.#keyOf(pulled), revision: pulled.sequence, unreadable: error };
    }
  }

  #pulled(pulled: Pulled): { key: string; value: T; revision: number } {
    const key = this.#keyOf(pulled);
    return { key, ...this.#entry(key, { data: pulled.body, seq: pulled.sequence }) };
  }

  #keyOf({ address }: Pulled): string {
    return address.slice(`$KV.${this.name}.`.length);
  }

  #last(key: string): Promise<Stored | null> {
    checkKey(this.name, key);
    return this.#link.insist(`read ${this.name} ${key}`, () =>
      this.#link.api.direct.getMessage(`KV_${this.name}`, { last_by_subj: `$KV.${this.name}.${key}` }),
    );
  }

  /** One write at an expected revision. After a lost acknowledgement a conflict may be our own write, so it's read back. */
  async #write(
    key: string,
    body: string,
    expected: number | undefined,
    operation?: "DEL",
  ): Promise<number | "conflict"> {
    checkKey(this.name, key);
    const address = `$KV.${this.name}.${key}`;
    const write = randomUUID();
    const attributes = headers();
    attributes.set("operator-write", write);
    if (expected !== undefined) attributes.set("Nats-Expected-Last-Subject-Sequence", String(expected));
    if (operation) attributes.set("KV-Operation", operation);
    return await this.#link.insist(`write ${this.name} ${key}`, async (tries) => {
      try {
        return (await store(this.#link, address, body, attributes)).sequence;
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (tries === 1) return "conflict";
        const stored = await this.#link.api.direct.getMessage(`KV_${this.name}`, { last_by_subj: address });
        return stored?.header.get("operator-write") === write ? stored.seq : "conflict";
      }
    });
  }

  #encode(key: string, value: T): string {
    const parsed = check(this.#schema, value);
    if (parsed.success) return JSON.stringify(parsed.data);
    throw new BusError("BAD_VALUE", `bucket ${this.name}, key ${key}: won't write ${z.prettifyError(parsed.error)}`);
  }

  #entry(key: string, stored: Pick<Stored, "data" | "seq">): Entry<T> {
    const refuse = (why: string) =>
      new BusError("BAD_VALUE", `bucket ${this.name}, key ${key}, revision ${stored.seq}: ${why}`);
    let json: unknown;
    try {
      json = JSON.parse(Buffer.from(stored.data).toString());
    } catch (error) {
      throw refuse(String(error));
    }
    const parsed = check(this.#schema, json);
    if (!parsed.success) throw refuse(z.prettifyError(parsed.error));
    return { value: parsed.data, revision: stored.seq };
  }
}

/** The mark that a removed key leaves. */
function isMark({ headers }: Pulled): boolean {
  return Boolean(headers?.get("KV-Operation"));
}

function isPresent(stored: Stored): boolean {
  return !stored.header.get("KV-Operation");
}

function checkKey(bucket: string, key: string): void {
  if (/^[\w=-]+(\.[\w=-]+)*$/.test(key)) return;
  throw new BusError(
    "BAD_KEY",
    `bucket ${bucket}: "${key}" is no key; make each part a token with toToken and join by dots`,
  );
}

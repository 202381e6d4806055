import type { PdStore } from "./pd-stores.ts";
import { storeTarget } from "./targets.ts";

/** A larger cluster is watched in part: its stores with the lowest ids. */
const storesMax = 2_000;

interface KnownStore {
  id: string;
  /** Where clients and other stores reach it. */
  address: string;
  /** Where it answers `/status` and `/metrics`. */
  statusAddress?: string;
  isTombstone: boolean;
}

/** The stores that PD listed last, by target. */
export class KnownStores {
  #stores: ReadonlyMap<string, KnownStore> = new Map();
  #watched: ReadonlyMap<string, KnownStore> = new Map();
  readonly #departed = new Set<string>();
  #isListed = false;

  /** Takes in PD's whole list; returns that of the stores that are watched. */
  learn(list: readonly PdStore[]): PdStore[] {
    const watched = list.toSorted((a, b) => (BigInt(a.store.id) < BigInt(b.store.id) ? -1 : 1)).slice(0, storesMax);
    const before = this.#stores;
    this.#isListed = true;
    this.#stores = new Map(
      watched.map(({ store }) => [
        storeTarget(store.id),
        {
          id: store.id,
          address: store.address,
          ...(store.status_address && { statusAddress: reachable(store.status_address, store.address) }),
          isTombstone: store.state_name === "Tombstone",
        },
      ]),
    );
    this.#watched = new Map([...this.#stores].filter(([, { isTombstone }]) => !isTombstone));
    for (const target of before.keys()) this.#departed.add(target);
    for (const target of this.#stores.keys()) this.#departed.delete(target);
    return watched;
  }

  get isListed(): boolean {
    return this.#isListed;
  }

  /** All that PD lists, tombstones included. */
  listed(): ReadonlyMap<string, KnownStore> {
    return this.#stores;
  }

  /** Those that should be at work: no tombstones. */
  watched(): ReadonlyMap<string, KnownStore> {
    return this.#watched;
  }

  /** Targets that PD has forgotten: it does so only with tombstones, when it's told to. */
  departed(): string[] {
    return [...this.#departed];
  }
}

/** A store that listens everywhere and wasn't told what to advertise gives `0.0.0.0:20180`: then it's where its address is. */
function reachable(statusAddress: string, address: string): string {
  const [, port] = /^(?:0\.0\.0\.0|\[::\]):(\d+)$/.exec(statusAddress) ?? [];
  return port === undefined ? statusAddress : address.replace(/\d+$/, port);
}

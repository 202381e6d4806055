import type { Links } from "./tikv-links.ts";
import type { PdClient } from "./tikv-pd-client.ts";
import { type Store, storeHeartbeatMs } from "./tikv-store.ts";
import { Directory, Nothing, Registered, type Registration, StoreHeartbeatsTaken } from "./wire.ts";

const registerAgainMs = 200;

/** What a process tells PD of its stores: who they are, how they are, and which regions they lead. */
export class Reports {
  readonly #pd: PdClient;
  readonly #stores: Store[];
  readonly #links: Links;
  readonly #process: string;
  #directoryVersion = -1;
  #isSendingStores = false;
  #isSendingRegions = false;
  #sendAgainAtMs = 0;

  constructor(pd: PdClient, stores: Store[], links: Links, process: string) {
    this.#pd = pd;
    this.#stores = stores;
    this.#links = links;
    this.#process = process;
  }

  /** Until PD has taken every store. Throws when it refuses one: its data folder isn't of this cluster, or its address is taken. */
  async register(): Promise<void> {
    const registrations = this.#stores.map((store) => this.#registrationOf(store));
    let registered;
    while ((registered = await this.#pd.tell("register", { stores: registrations }, Registered, 5_000)) === undefined)
      await new Promise((resolve) => setTimeout(resolve, registerAgainMs));
    const { clusterId } = registered;
    this.#stores.forEach((store, at) => {
      const { storeId, refused } = registered.stores[at] ?? {};
      if (storeId === undefined) throw new Error(`PD doesn't take the store ${store.options.address}: ${refused}`);
      store.join(storeId, clusterId);
    });
    await this.#readDirectory();
    await this.#sendDueStores();
  }

  /** Whatever is due now. */
  async send(): Promise<void> {
    await Promise.all([this.#sendDueStores(), this.#sendRegions()]);
  }

  /** Every store's heartbeat at once. */
  async sendStores(): Promise<void> {
    for (const store of this.#stores) store.heartbeatAtMs = 0;
    this.#isSendingStores = false;
    await this.#sendDueStores();
  }

  async #sendDueStores(): Promise<void> {
    const now = Date.now();
    const due = this.#stores.filter((store) => store.heartbeatAtMs <= now);
    if (this.#isSendingStores || due.length === 0) return;
    this.#isSendingStores = true;
    try {
      // One that PD doesn't take isn't repeated before its time.
      for (const store of due) store.heartbeatAtMs = now + store.options.scale.wait(storeHeartbeatMs);
      const stores = this.#linked(due).flatMap((store) => store.heartbeat(now) ?? []);
      if (stores.length === 0) return;
      const taken = await this.#pd.tell("store-heartbeats", { stores }, StoreHeartbeatsTaken);
      if (taken !== undefined && taken.directoryVersion !== this.#directoryVersion) {
        await this.#readDirectory();
        this.#directoryVersion = taken.directoryVersion;
      }
    } finally {
      this.#isSendingStores = false;
    }
  }

  /** A change that PD doesn't take is said again a second later; what hasn't changed, in its minute. */
  async #sendRegions(): Promise<void> {
    if (this.#isSendingRegions || Date.now() < this.#sendAgainAtMs) return;
    this.#isSendingRegions = true;
    try {
      const now = Date.now();
      const regions = this.#linked(this.#stores).flatMap((store) => store.regionHeartbeats(now));
      if (regions.length === 0 || (await this.#pd.tell("region-heartbeats", { regions }, Nothing)) !== undefined)
        return;
      this.#sendAgainAtMs = Date.now() + this.#links.rhythmMs;
      const changed = new Map(
        regions.filter(({ isChange }) => isChange).map(({ claim }) => [claim.region.id, claim.leader]),
      );
      for (const { raft } of this.#stores)
        for (const peer of raft?.led ?? []) if (changed.get(peer.region.id) === raft?.storeId) peer.isChanged = true;
    } finally {
      this.#isSendingRegions = false;
    }
  }

  async #readDirectory(): Promise<void> {
    const directory = await this.#pd.tell("directory", {}, Directory);
    if (directory !== undefined) this.#links.know(directory.stores);
  }

  #linked(stores: Store[]): Store[] {
    return stores.filter(({ disturbances }) => !disturbances.isPdLinkCut);
  }

  #registrationOf(store: Store): Registration {
    const { address, statusAddress, folder } = store.options;
    return {
      address,
      statusAddress,
      process: this.#process,
      version: "8.5.5-simulator",
      gitHash: "simulator",
      startTimestamp: Math.floor(store.startedAtMs / 1e3),
      deployPath: folder,
      ...(store.id === undefined ? {} : { storeId: store.id }),
    };
  }
}

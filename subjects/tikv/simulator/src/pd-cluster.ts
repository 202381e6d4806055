import { z } from "zod";
import type { Leadership } from "./pd-leadership.ts";
import type { Change } from "./quorum-log.ts";
import { type ConfigSet, durationMs, replicationOf, scheduleOf } from "./pd-schedule-config.ts";
import type { TimeScale } from "./time-scale.ts";
import { RegionMeta, type RegionHeartbeat, type Registration, type StoreHeartbeat } from "./wire.ts";

/** Of a store, what outlives a change of PD's leader. */
const StoreMeta = z.object({
  id: z.int(),
  address: z.string(),
  statusAddress: z.string(),
  process: z.string(),
  version: z.string(),
  gitHash: z.string(),
  startTimestamp: z.int(),
  deployPath: z.string(),
  state: z.enum(["Up", "Offline", "Tombstone"]),
  nodeState: z.int(),
  isDestroyed: z.boolean(),
  leaderWeight: z.number(),
  regionWeight: z.number(),
  addPeerPerMinute: z.number(),
  removePeerPerMinute: z.number(),
  /** As it was when it was last written: up to five minutes old. */
  lastHeartbeatMs: z.number(),
});
type StoreMeta = z.infer<typeof StoreMeta>;

/** A store as PD's leader knows it; what it reports is gone when another leader takes over. */
export interface Store {
  meta: StoreMeta;
  /** 0: never. */
  lastHeartbeatMs: number;
  stats?: StoreHeartbeat;
}

export interface Region {
  meta: RegionMeta;
  /** What its leader last said; undefined until it does so to this PD leader. */
  report?: RegionHeartbeat & { atMs: number };
}

export const disconnectedAfterMs = 20_000;
export const unhealthyAfterMs = 600_000;
const heartbeatKeptMs = 300_000;
/** Ids are taken in lots, so that a new leader gives none twice. */
const idLot = 1_000;

/** The cluster in the memory of PD's leader. What has to outlive it is written to a majority first. */
export class Cluster {
  readonly stores = new Map<number, Store>();
  readonly regions = new Map<number, Region>();
  readonly scale: TimeScale;
  /** Since when this member leads. */
  readonly sinceMs = Date.now();
  /** Whether there was a cluster before this member led. */
  readonly isInherited: boolean;
  readonly #leadership: Leadership;
  readonly #keys: ReadonlyMap<string, unknown>;
  #nextId: number;
  #idEnd: number;
  #bootstrapping: Promise<void> | undefined;
  #known: { of: unknown; schedule: ConfigSet; replication: ConfigSet; downAfterMs: number } | undefined;
  /** Who is in the cluster and where: grows with each change. */
  directoryVersion = Math.floor(Math.random() * 1_000_000) * 1_000;

  constructor(leadership: Leadership, keys: ReadonlyMap<string, unknown>, scale: TimeScale) {
    this.#leadership = leadership;
    this.#keys = keys;
    this.isInherited = this.isLaidOut;
    this.scale = scale;
    this.#idEnd = Number(keys.get("id-end") ?? 0);
    this.#nextId = this.#idEnd + 1;
    for (const [key, value] of keys) {
      if (key.startsWith("store/")) {
        const meta = StoreMeta.parse(value);
        this.stores.set(meta.id, { meta, lastHeartbeatMs: meta.lastHeartbeatMs });
      }
      if (key.startsWith("region/")) {
        const meta = RegionMeta.parse(value);
        this.regions.set(meta.id, { meta });
      }
    }
  }

  get clusterId(): bigint {
    return BigInt(z.string().parse(this.#keys.get("cluster-id") ?? "0"));
  }

  /** When the first store came; undefined before that. */
  get bootstrappedAtMs(): number | undefined {
    const at = this.#keys.get("bootstrapped");
    return typeof at === "number" ? at : undefined;
  }

  /** Whether the fresh cluster's regions have all been led. */
  get isLaidOut(): boolean {
    return this.#keys.has("laid-out");
  }

  get configSet(): ConfigSet {
    return z.record(z.string(), z.union([z.number(), z.string()])).parse(this.#keys.get("config") ?? {});
  }

  get schedule(): Record<string, number | string> {
    return this.#config.schedule;
  }

  get replication(): Record<string, number | string> {
    return this.#config.replication;
  }

  /** Worked out anew only when something was set: it's asked for every store. */
  get #config() {
    const value = this.#keys.get("config");
    if (this.#known === undefined || this.#known.of !== value) {
      const set = this.configSet;
      const schedule = scheduleOf(set);
      const downAfterMs = durationMs(String(schedule["max-store-down-time"])) ?? 1_800_000;
      this.#known = { of: value, schedule, replication: replicationOf(set), downAfterMs };
    }
    return this.#known;
  }

  /** A number of the schedule config, e.g. `leader-schedule-limit`. */
  limit(name: string): number {
    return Number(this.schedule[name]);
  }

  get maxReplicas(): number {
    return Number(this.replication["max-replicas"]);
  }

  /** Store → ranges of keys that evict-leader keeps free of leaders. */
  get evicting(): number[] {
    return z.array(z.int()).parse(this.#keys.get("evict-leader") ?? []);
  }

  get removedSchedulers(): string[] {
    return z.array(z.string()).parse(this.#keys.get("removed-schedulers") ?? []);
  }

  async write(changes: Change[]): Promise<void> {
    await this.#leadership.write(changes);
  }

  async saveStores(stores: Store[]): Promise<void> {
    for (const store of stores) store.meta = { ...store.meta, lastHeartbeatMs: store.lastHeartbeatMs };
    await this.write(stores.map(({ meta }) => ({ key: `store/${meta.id}`, value: meta })));
  }

  /** `count` ids in a row, for stores, regions and peers alike. */
  async allocate(count = 1): Promise<number> {
    const first = this.#nextId;
    this.#nextId += count;
    if (this.#nextId > this.#idEnd + 1) {
      this.#idEnd = Math.ceil(this.#nextId / idLot) * idLot;
      await this.write([{ key: "id-end", value: this.#idEnd }]);
    }
    return first;
  }

  /** The id of a store that comes, or why it can't. */
  async register(registration: Registration): Promise<{ storeId: number } | { refused: string }> {
    const { storeId: knownId, ...about } = registration;
    const known = knownId === undefined ? undefined : this.stores.get(knownId);
    if (known?.meta.state === "Tombstone")
      return { refused: `[PD:core:ErrStoreTombstone]store ${knownId} is tombstone` };
    const other = [...this.stores.values()].find(
      ({ meta }) =>
        meta.address === about.address && meta.id !== knownId && meta.state !== "Tombstone" && !meta.isDestroyed,
    );
    if (other !== undefined) {
      const meta = JSON.stringify({ id: other.meta.id, address: other.meta.address });
      return { refused: `duplicated store address: ${about.address}, already registered by ${meta}` };
    }
    // With the first store come a region and its peer, so the next store's id isn't the next number.
    const isFirst = this.bootstrappedAtMs === undefined && this.#bootstrapping === undefined;
    if (isFirst) this.#bootstrapping = this.write([{ key: "bootstrapped", value: Date.now() }]);
    const id = knownId ?? (await this.allocate(isFirst ? 3 : 1));
    const meta: StoreMeta = known?.meta ?? {
      id,
      ...about,
      state: "Up",
      nodeState: 0,
      isDestroyed: false,
      lastHeartbeatMs: 0,
      leaderWeight: 1,
      regionWeight: 1,
      addPeerPerMinute: 15,
      removePeerPerMinute: 15,
    };
    const store: Store = known ?? { meta, lastHeartbeatMs: 0 };
    store.meta = { ...meta, ...about };
    this.stores.set(id, store);
    this.directoryVersion += 1;
    await this.#bootstrapping;
    await this.saveStores([store]);
    return { storeId: id };
  }

  /** A tombstone's heartbeats, and those of a store that PD has forgotten, are dropped. */
  async storeHeartbeat(heartbeat: StoreHeartbeat): Promise<void> {
    const store = this.stores.get(heartbeat.id);
    if (store === undefined || store.meta.state === "Tombstone") return;
    const isFirst = store.lastHeartbeatMs === 0;
    store.stats = heartbeat;
    store.lastHeartbeatMs = Date.now();
    const isOld = store.lastHeartbeatMs - store.meta.lastHeartbeatMs > this.scale.wait(heartbeatKeptMs);
    if (isFirst || isOld) await this.saveStores([store]);
  }

  /** The newest word on a region: a lower term, or an older version of its peers and range, is passed over. */
  async regionHeartbeat(heartbeat: RegionHeartbeat): Promise<Region | undefined> {
    const { claim } = heartbeat;
    const known = this.regions.get(claim.region.id);
    if (known !== undefined && isStale(heartbeat, known)) return undefined;
    const isChanged = known === undefined || isNewer(claim.region, known.meta);
    const region: Region = { meta: claim.region, report: { ...heartbeat, atMs: Date.now() } };
    this.regions.set(claim.region.id, region);
    if (isChanged) await this.write([{ key: `region/${claim.region.id}`, value: claim.region }]);
    return region;
  }

  /** How long since its last heartbeat, as the real one would measure it. */
  silentMs(store: Store): number {
    return (Date.now() - store.lastHeartbeatMs) * this.scale.factor;
  }

  /** PD's name for how a store is; worked out at each reading. */
  stateName(store: Store): string {
    if (store.meta.state !== "Up") return store.meta.state;
    if (this.silentMs(store) > this.#config.downAfterMs) return "Down";
    return this.silentMs(store) > disconnectedAfterMs ? "Disconnected" : "Up";
  }

  /** Regions that have reported to this leader, of all. */
  get reportedRatio(): number {
    if (this.regions.size === 0) return 0;
    return [...this.regions.values()].filter(({ report }) => report !== undefined).length / this.regions.size;
  }
}

function isStale({ claim }: RegionHeartbeat, known: Region): boolean {
  const isOlderMeta = claim.region.confVer < known.meta.confVer || claim.region.version < known.meta.version;
  return isOlderMeta || (known.report !== undefined && claim.term < known.report.claim.term);
}

function isNewer(a: RegionMeta, b: RegionMeta): boolean {
  return a.confVer > b.confVer || a.version > b.version;
}

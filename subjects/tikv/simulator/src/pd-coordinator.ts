import { createAgent, tell } from "./ask.ts";
import type { Log } from "./log.ts";
import { Balance } from "./pd-balance.ts";
import type { Cluster, Store } from "./pd-cluster.ts";
import { Hotspots } from "./pd-hotspot.ts";
import { firstClaims, layOut } from "./pd-layout.ts";
import { Operators } from "./pd-operators.ts";
import { Schedulers } from "./pd-schedulers.ts";
import { countsOf } from "./pd-store-answer.ts";
import { Nothing, type RegionHeartbeat } from "./wire.ts";

const tickMs = 100;
/** PD's jobs that turn a new store to serving and an emptied one to a tombstone. */
const nodeStateMs = 10_000;

/** Everything that PD's leader does on its own, from the moment it serves until it rests. */
export class Coordinator {
  readonly cluster: Cluster;
  readonly operators: Operators;
  readonly schedulers: Schedulers;
  readonly balance: Balance;
  readonly hotspots: Hotspots;
  readonly #log: Log;
  readonly #agent = createAgent();
  readonly #size: { stores: number; regions: number };
  readonly #timer: NodeJS.Timeout;
  #nodeStateAtMs = Date.now();
  #firstStoreMs = 0;
  #isBusy = false;

  constructor(cluster: Cluster, log: Log, startedAtMs: number, size: { stores: number; regions: number }) {
    this.cluster = cluster;
    this.operators = new Operators(cluster, log, startedAtMs);
    this.schedulers = new Schedulers(cluster);
    this.balance = new Balance(cluster, this.operators, this.schedulers);
    this.hotspots = new Hotspots(cluster);
    this.#log = log;
    this.#size = size;
    this.#timer = setInterval(() => void this.#tick(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async regionHeartbeat(heartbeat: RegionHeartbeat): Promise<void> {
    const before = this.cluster.regions.get(heartbeat.claim.region.id)?.report?.claim.leader;
    const region = await this.cluster.regionHeartbeat(heartbeat);
    if (region === undefined) return;
    const { leader, region: meta } = heartbeat.claim;
    if (before !== undefined && before !== leader)
      this.#log("INFO", "region.go:900", "leader changed", { "region-id": meta.id, from: before, to: leader });
    this.hotspots.see(heartbeat);
    this.operators.advance(region);
  }

  /** One at a time: a majority may take its time to write. */
  async #tick(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#layOut();
      this.operators.tick();
      await this.balance.tick();
      if (Date.now() - this.#nodeStateAtMs > this.cluster.scale.wait(nodeStateMs)) await this.#nodeStates();
    } catch {
      // It leads no longer: what it wanted, its successor will.
    } finally {
      this.#isBusy = false;
    }
  }

  async #nodeStates(): Promise<void> {
    this.#nodeStateAtMs = Date.now();
    const counts = countsOf(this.cluster);
    const changed: Store[] = [];
    for (const store of this.cluster.stores.values()) {
      const { meta } = store;
      if (meta.state === "Up" && meta.nodeState === 0 && store.lastHeartbeatMs > 0) {
        store.meta = { ...meta, nodeState: 1 };
        this.#log("INFO", "cluster.go:1907", "store has changed to serving", {
          "store-id": meta.id,
          "store-address": meta.address,
        });
      } else if (meta.state === "Offline" && counts.get(meta.id)?.regions === 0) {
        store.meta = { ...meta, state: "Tombstone", nodeState: 3 };
        this.#log("WARN", "cluster.go:1700", "store has been Tombstone", {
          "store-id": meta.id,
          "store-address": meta.address,
        });
      } else continue;
      changed.push(store);
    }
    if (changed.length > 0) await this.cluster.saveStores(changed);
  }

  /** A fresh cluster's regions, over all the stores that are to come: told until each leader has reported, to whichever PD leads. */
  async #layOut(): Promise<void> {
    const { cluster } = this;
    if (cluster.isLaidOut) return;
    if (cluster.regions.size === 0) {
      const stores = cluster.stores.size;
      if (stores > 0 && this.#firstStoreMs === 0) this.#firstStoreMs = Date.now();
      const isLate = this.#firstStoreMs > 0 && Date.now() - this.#firstStoreMs > 20_000;
      if (stores < this.#size.stores && !(isLate && stores >= cluster.maxReplicas)) return;
      await layOut(cluster, this.#size.regions);
    }
    const missing = firstClaims(cluster).filter(({ region }) => cluster.regions.get(region.id)?.report === undefined);
    if (missing.length === 0) await cluster.write([{ key: "laid-out", value: true }]);
    const processes = new Set(missing.flatMap(({ region }) => region.peers.map(({ store }) => this.#processOf(store))));
    const told = [...processes].map(async (process) => {
      const claims = missing.filter(({ region }) =>
        region.peers.some(({ store }) => this.#processOf(store) === process),
      );
      await tell(this.#agent, `http://${process}/simulator/claims`, { claims }, Nothing, 2_000);
    });
    await Promise.all(told);
  }

  #processOf(store: number): string {
    return this.cluster.stores.get(store)?.meta.process ?? "";
  }
}

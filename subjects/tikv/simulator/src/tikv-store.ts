import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Log } from "./log.ts";
import { Disturbances } from "./tikv-disturbance.ts";
import type { Links } from "./tikv-links.ts";
import { claimOf, noFlow } from "./tikv-peer.ts";
import { Raft } from "./tikv-raft.ts";
import { Traffic } from "./tikv-traffic.ts";
import { between, type TimeScale } from "./time-scale.ts";
import { type RegionHeartbeat, RegionMeta, type StoreHeartbeat } from "./wire.ts";

const Kept = z.object({
  storeId: z.int(),
  clusterId: z.string(),
  peers: z.array(z.object({ region: RegionMeta, term: z.int(), sizeBytes: z.number(), keys: z.number() })),
});

export const storeHeartbeatMs = 10_000;
const regionHeartbeatMs = 60_000;
const busyMs = 20_000;
const downAfterMs = 600_000;
/** Raft's log takes this much before there's any data. */
const raftBytes = 536_870_912;

export interface StoreOptions {
  address: string;
  statusAddress: string;
  folder: string;
  capacityBytes: number;
  scale: TimeScale;
  links: Links;
  log: Log;
  neighbour: (storeId: number) => Raft | undefined;
}

/** One simulated store: what it keeps, what it reports. */
export class Store {
  readonly options: StoreOptions;
  readonly startedAtMs = Date.now();
  readonly disturbances = new Disturbances();
  readonly traffic = new Traffic();
  /** From its data folder, or given by PD. */
  id: number | undefined;
  clusterId = "";
  raft: Raft | undefined;
  isStopping = false;
  /** When the next store heartbeat is due. */
  heartbeatAtMs = 0;
  readonly #kept: z.infer<typeof Kept> | undefined;
  #sent = { atMs: Date.now(), total: noFlow() };
  #saving: NodeJS.Timeout | undefined;

  constructor(options: StoreOptions) {
    this.options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#kept = this.#read();
    this.id = this.#kept?.storeId;
    // A store that comes back is heard of by PD ten seconds later than a new one.
    if (this.#kept !== undefined) this.heartbeatAtMs = Date.now() + options.scale.wait(storeHeartbeatMs);
  }

  /** PD has given it its id, or known it by it: from now on it's a store. */
  join(id: number, clusterId: string): void {
    const { links, scale, log, neighbour } = this.options;
    this.id = id;
    this.clusterId = clusterId;
    const isDiskFull = () => this.disk.available <= this.options.capacityBytes * 0.025;
    this.raft = new Raft({ storeId: id, links, scale, log, neighbour, isDiskFull, changed: () => this.#save() });
    for (const peer of this.#kept?.peers ?? [])
      this.raft.peers.set(peer.region.id, {
        ...peer,
        electAtMs: Date.now() + scale.wait(between(1e4, 2e4)),
        pending: new Set(),
        flow: noFlow(),
        reportedAtMs: 0,
        isChanged: false,
      });
    this.#save();
  }

  tick(now: number): void {
    if (this.raft === undefined || this.id === undefined) return;
    this.raft.tick(now);
    this.traffic.advance(this.raft.peers.values(), this.id, now, this.disturbances.slow?.latencyMs ?? 0);
  }

  get disk(): { used: number; available: number } {
    const capacity = this.options.capacityBytes;
    const usedPercent = this.disturbances.disk?.usedPercent;
    const data = [...(this.raft?.peers.values() ?? [])].reduce((sum, { sizeBytes }) => sum + sizeBytes, raftBytes);
    if (usedPercent === undefined) return { used: data, available: Math.max(capacity - data, 0) };
    // Somebody else's files fill the disk: what the store itself uses stays as it was.
    return { used: data, available: Math.max(Math.round(capacity * (1 - usedPercent / 100)), 0) };
  }

  /** While it replays its log after a start. */
  get isBusy(): boolean {
    return this.#kept !== undefined && Date.now() - this.startedAtMs < this.options.scale.wait(busyMs);
  }

  heartbeat(now: number): StoreHeartbeat | undefined {
    if (this.id === undefined) return undefined;
    const { total } = this.traffic;
    const seconds = Math.max((now - this.#sent.atMs) / 1_000, 0.001);
    const before = this.#sent.total;
    this.#sent = { atMs: now, total: { ...total } };
    const { used, available } = this.disk;
    return {
      id: this.id,
      capacity: this.options.capacityBytes,
      available,
      used,
      isBusy: this.isBusy,
      isStopping: this.isStopping,
      slowScore: this.slowScore,
      networkSlowScores: this.options.links.scores,
      startTimestamp: Math.floor(this.startedAtMs / 1e3),
      rates: {
        writtenBytes: (total.writtenBytes - before.writtenBytes) / seconds,
        writtenKeys: (total.writtenKeys - before.writtenKeys) / seconds,
        readBytes: (total.readBytes - before.readBytes) / seconds,
        readKeys: (total.readKeys - before.readKeys) / seconds,
      },
    };
  }

  get slowScore(): number {
    return this.disturbances.slow?.score ?? 1;
  }

  /** Of the regions led here, those that PD is to hear of now: what changed, and each once a minute. */
  regionHeartbeats(now: number): RegionHeartbeat[] {
    if (this.raft === undefined || this.id === undefined) return [];
    const { scale } = this.options;
    return this.raft.led
      .filter((peer) => peer.isChanged || now - peer.reportedAtMs > scale.wait(regionHeartbeatMs))
      .map((peer) => {
        const heartbeat: RegionHeartbeat = {
          claim: claimOf(peer, this.id ?? 0),
          isChange: peer.isChanged,
          pending: [...peer.pending],
          down: this.#down(peer.region),
          flow: { ...peer.flow, seconds: Math.max((now - peer.reportedAtMs) / 1_000, 0.001) },
        };
        // On a change the interval begins anew; a fresh one ends somewhere in the first minute, so that not all come at once.
        peer.reportedAtMs = peer.reportedAtMs === 0 ? now - Math.random() * scale.wait(regionHeartbeatMs) : now;
        peer.flow = noFlow();
        peer.isChanged = false;
        return heartbeat;
      });
  }

  #down(region: RegionMeta): { store: number; seconds: number }[] {
    const { links, scale } = this.options;
    return region.peers.flatMap(({ store }) => {
      const heardMs = store === this.id ? Date.now() : links.heardMs(store);
      // Who was never heard of isn't gone yet.
      const goneMs = heardMs === 0 ? 0 : (Date.now() - heardMs) * scale.factor;
      return goneMs > downAfterMs ? [{ store, seconds: Math.round(goneMs / 1_000) }] : [];
    });
  }

  get #file(): string {
    return join(this.options.folder, `store-${this.options.address.replace(/[^A-Za-z0-9.]/g, "-")}.json`);
  }

  #read(): z.infer<typeof Kept> | undefined {
    try {
      return Kept.parse(JSON.parse(readFileSync(this.#file, "utf8")));
    } catch {
      // None yet: a new store.
      return undefined;
    }
  }

  /** At once where there's nothing yet: a store that forgot its id couldn't come back under its address. */
  #save(): void {
    if (this.#saving === undefined) this.#write();
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined;
      this.#write();
    }, 100);
  }

  #write(): void {
    if (this.id === undefined) return;
    const peers = [...(this.raft?.peers.values() ?? [])].map(({ region, term, sizeBytes, keys }) => ({
      region,
      term,
      sizeBytes,
      keys,
    }));
    const kept: z.infer<typeof Kept> = { storeId: this.id, clusterId: this.clusterId, peers };
    writeFileSync(`${this.#file}.new`, JSON.stringify(kept));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

import type { Cluster } from "./pd-cluster.ts";
import type { RegionHeartbeat } from "./wire.ts";

/** Below this nothing is hot, and neither is what's less than five times the mean. */
const hotBytesPerS = 100_000;
const hotTimesMean = 5;
/** How long a region stays listed after its load has gone, in heartbeats. */
const antiCount = 2;

type Direction = "write" | "read";
interface Hot {
  degree: number;
  anti: number;
  bytesPerS: number;
  keysPerS: number;
  seenMs: number;
}

/** Regions that were hot in three heartbeats in a row, that is for minutes: until then PD lists none. */
export class Hotspots {
  readonly #cluster: Cluster;
  readonly #hot: Record<Direction, Map<number, Hot>> = { write: new Map(), read: new Map() };

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  see({ claim, flow }: RegionHeartbeat): void {
    // One on a change of leader covers too short a time.
    if (flow.seconds * this.#cluster.scale.factor < 30) return;
    const of = (bytes: number, keys: number) => ({ bytesPerS: bytes / flow.seconds, keysPerS: keys / flow.seconds });
    this.#note("write", claim.region.id, of(flow.writtenBytes, flow.writtenKeys));
    this.#note("read", claim.region.id, of(flow.readBytes, flow.readKeys));
  }

  /** `/hotspot/regions/{write|read}`. */
  answer(direction: Direction) {
    return { as_peer: this.#byStore(direction, false), as_leader: this.#byStore(direction, true) };
  }

  /** `/hotspot/stores`: a replica takes its leader's writes, so all of a region's stores look alike. */
  stores() {
    const rates = (
      of: (rates: { writtenBytes: number; writtenKeys: number; readBytes: number; readKeys: number }) => number,
    ) =>
      Object.fromEntries(
        [...this.#cluster.stores.values()].map(({ meta, stats }) => [
          meta.id,
          stats === undefined ? 0 : Math.round(of(stats.rates) * 10) / 10,
        ]),
      );
    return {
      "bytes-write-rate": rates(({ writtenBytes }) => writtenBytes),
      "bytes-read-rate": rates(({ readBytes }) => readBytes),
      "keys-write-rate": rates(({ writtenKeys }) => writtenKeys),
      "keys-read-rate": rates(({ readKeys }) => readKeys),
      "query-write-rate": rates(() => 0),
      "query-read-rate": rates(() => 0),
    };
  }

  #note(direction: Direction, regionId: number, rate: { bytesPerS: number; keysPerS: number }): void {
    const known = this.#hot[direction].get(regionId);
    // The mean of thousands of regions, for each of them, is worth asking for only where it can matter.
    const isHot = rate.bytesPerS > hotBytesPerS && rate.bytesPerS > hotTimesMean * this.#mean(direction, regionId);
    if (isHot)
      this.#hot[direction].set(regionId, {
        ...rate,
        degree: (known?.degree ?? 0) + 1,
        anti: antiCount,
        seenMs: Date.now(),
      });
    else if (known !== undefined && known.anti > 0) known.anti -= 1;
    else this.#hot[direction].delete(regionId);
  }

  /** Bytes per second of the other regions. */
  #mean(direction: Direction, regionId: number): number {
    const others = [...this.#cluster.regions.values()].filter(({ meta }) => meta.id !== regionId);
    const total = others.reduce((sum, { report }) => {
      if (report === undefined || report.flow.seconds === 0) return sum;
      const bytes = direction === "write" ? report.flow.writtenBytes : report.flow.readBytes;
      return sum + bytes / report.flow.seconds;
    }, 0);
    return others.length === 0 ? 0 : total / others.length;
  }

  #byStore(direction: Direction, asLeader: boolean) {
    const needed = this.#cluster.limit("hot-region-cache-hits-threshold");
    return Object.fromEntries(
      [...this.#cluster.stores.values()].map(({ meta, stats }) => {
        const statistics = [...this.#hot[direction]].flatMap(([regionId, hot]) => {
          const region = this.#cluster.regions.get(regionId);
          const stores = region?.meta.peers.map(({ store }) => store) ?? [];
          const isLeader = region?.report?.claim.leader === meta.id;
          if (hot.degree < needed || !stores.includes(meta.id) || (asLeader && !isLeader)) return [];
          return [
            {
              store_id: meta.id,
              stores,
              is_leader: isLeader,
              is_learner: false,
              region_id: regionId,
              hot_degree: hot.degree,
              flow_bytes: Math.round(hot.bytesPerS),
              flow_keys: Math.round(hot.keysPerS),
              flow_query: 0,
              anti_count: hot.anti,
              last_update_time: new Date(hot.seenMs).toISOString().replace(/\.\d+Z$/, "Z"),
            },
          ];
        });
        const write = direction === "write";
        const rates = asLeader ? undefined : stats?.rates;
        return [
          meta.id,
          {
            store_bytes: Math.round((write ? rates?.writtenBytes : rates?.readBytes) ?? 0),
            store_keys: Math.round((write ? rates?.writtenKeys : rates?.readKeys) ?? 0),
            store_query: 0,
            total_flow_bytes: statistics.reduce((sum, { flow_bytes }) => sum + flow_bytes, 0),
            total_flow_keys: statistics.reduce((sum, { flow_keys }) => sum + flow_keys, 0),
            total_flow_query: 0,
            regions_count: statistics.length,
            statistics,
          },
        ];
      }),
    );
  }
}

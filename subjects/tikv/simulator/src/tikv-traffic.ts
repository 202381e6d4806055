import { doublingBounds, spread } from "./latency.ts";
import { type Flow, noFlow, type Peer } from "./tikv-peer.ts";

/** Of each key beside its value: what the raw API adds. */
const keyBytes = 28;
/** Most writes go to keys that exist. */
const growth = 0.05;
/** One store on one of this machine's cores: past this many requests per second they queue. */
const requestsPerSMax = 8_000;
const writtenMs = 1.2;
const readMs = 0.5;
const cpuPerRequestS = 0.000_1;

const grpcBounds = doublingBounds(0.000_05, 22);
const raftBounds = doublingBounds(0.000_01, 22);

export interface Histogram {
  bounds: number[];
  counts: number[];
  sumS: number;
}

const histograms = ["raw_put", "raw_get", "write", "snapshot", "append", "commit", "apply"] as const;
type Name = (typeof histograms)[number];

/** What the load of a store's regions comes to: requests, latencies, bytes and CPU, summed up once a second. */
export class Traffic {
  readonly histograms: Record<Name, Histogram>;
  /** All of the store's peers, followers too, since it started. */
  readonly total: Flow = noFlow();
  cpuSeconds = 0;
  #lastMs = Date.now();

  constructor() {
    const of = (name: Name): Histogram => {
      const bounds = name === "raw_put" || name === "raw_get" ? grpcBounds : raftBounds;
      return { bounds, counts: bounds.map(() => 0).concat(0), sumS: 0 };
    };
    this.histograms = {
      raw_put: of("raw_put"),
      raw_get: of("raw_get"),
      write: of("write"),
      snapshot: of("snapshot"),
      append: of("append"),
      commit: of("commit"),
      apply: of("apply"),
    };
  }

  /** Adds what came since the last call. `latencyMs`: what a slow disk adds to each request. */
  advance(peers: Iterable<Peer>, storeId: number, now: number, latencyMs: number): void {
    const seconds = Math.min((now - this.#lastMs) / 1_000, 3);
    this.#lastMs = now;
    let puts = 0;
    let gets = 0;
    let writes = 0;
    for (const peer of peers) {
      const { load } = peer;
      if (load === undefined || load.untilMs < now) continue;
      const bytes = load.putsPerS * seconds * (load.valueBytes + keyBytes);
      writes += load.putsPerS * seconds;
      peer.sizeBytes += bytes * growth;
      peer.keys += load.putsPerS * seconds * growth;
      add(this.total, { writtenBytes: bytes, writtenKeys: load.putsPerS * seconds, readBytes: 0, readKeys: 0 });
      if (peer.leader !== storeId) continue;
      puts += load.putsPerS * seconds;
      gets += load.getsPerS * seconds;
      const read = {
        readBytes: load.getsPerS * seconds * (load.valueBytes + keyBytes),
        readKeys: load.getsPerS * seconds,
      };
      add(this.total, { writtenBytes: 0, writtenKeys: 0, ...read });
      add(peer.flow, { writtenBytes: bytes, writtenKeys: load.putsPerS * seconds, ...read });
    }
    const busy = seconds === 0 ? 0 : Math.min((puts + gets) / seconds / requestsPerSMax, 0.95);
    const queueing = 1 / (1 - busy);
    const writeS = (writtenMs * queueing + latencyMs) / 1_000;
    const readS = (readMs * queueing + latencyMs) / 1_000;
    this.#see("raw_put", puts, writeS);
    this.#see("raw_get", gets, readS);
    this.#see("write", puts, writeS * 0.9);
    this.#see("snapshot", gets, readS * 0.2);
    this.#see("append", writes, writeS * 0.3);
    this.#see("commit", puts, writeS * 0.6);
    this.#see("apply", writes, writeS * 0.1);
    this.cpuSeconds += (puts + gets + writes) * cpuPerRequestS + seconds * 0.01;
  }

  #see(name: Name, count: number, medianS: number): void {
    if (count === 0) return;
    const histogram = this.histograms[name];
    spread(count, medianS, histogram.bounds).forEach((share, at) => {
      histogram.counts[at] = (histogram.counts[at] ?? 0) + share;
    });
    histogram.sumS += count * medianS * 1.2;
  }
}

function add(to: Flow, flow: Flow): void {
  to.writtenBytes += flow.writtenBytes;
  to.writtenKeys += flow.writtenKeys;
  to.readBytes += flow.readBytes;
  to.readKeys += flow.readKeys;
}

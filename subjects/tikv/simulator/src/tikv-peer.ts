import type { Claim, RegionMeta } from "./wire.ts";

/** What arrives at a region now, per second, as the workload said it; it says so again every second. */
interface RegionLoad {
  putsPerS: number;
  getsPerS: number;
  valueBytes: number;
  untilMs: number;
}

export interface Flow {
  writtenBytes: number;
  writtenKeys: number;
  readBytes: number;
  readKeys: number;
}

/** One store's replica of a region. */
export interface Peer {
  region: RegionMeta;
  term: number;
  /** The store that leads it, as far as this one knows. */
  leader?: number;
  /** Without a leader, or one that fell silent: when this peer stands for election. */
  electAtMs: number;
  /** As its leader: stores that haven't caught up since it was elected. */
  pending: Set<number>;
  sizeBytes: number;
  keys: number;
  load?: RegionLoad;
  /** As its leader: since its last heartbeat to PD. */
  flow: Flow;
  reportedAtMs: number;
  /** PD hasn't had its last change yet. */
  isChanged: boolean;
}

export function noFlow(): Flow {
  return { writtenBytes: 0, writtenKeys: 0, readBytes: 0, readKeys: 0 };
}

export function claimOf(peer: Peer, leader: number): Claim {
  return { region: peer.region, term: peer.term, leader, sizeBytes: peer.sizeBytes, keys: peer.keys };
}

export function votersOf(region: RegionMeta): number[] {
  return region.peers.filter(({ role }) => role === "Voter").map(({ store }) => store);
}

export function majorityOf(region: RegionMeta): number {
  return Math.floor(votersOf(region).length / 2) + 1;
}

import type { Log } from "./log.ts";
import type { RegionMeta } from "./wire.ts";

type Fields = Record<string, string | number>;

/** What a store says in its log of the regions that it holds. */
export class RaftLog {
  readonly #storeId: number;
  readonly #log: Log;

  constructor(storeId: number, log: Log) {
    this.#storeId = storeId;
    this.#log = log;
  }

  line(source: string, message: string, fields: Fields): void {
    this.#log("INFO", source, message, fields);
  }

  /** Raft's own lines end with whom they're about. */
  ofRaft(source: string, message: string, region: RegionMeta, fields: Fields): void {
    this.line(source, message, { ...fields, raft_id: peerIdOn(region, this.#storeId), region_id: region.id });
  }
}

/** 0 where it has none. */
export function peerIdOn(region: RegionMeta, store: number | undefined): number {
  return region.peers.find((peer) => peer.store === store)?.id ?? 0;
}

/** As TiKV's log writes a region: protobuf's text, where keys that are empty are left out. */
export function regionText({ id, startKey, endKey, confVer, version, peers }: RegionMeta): string {
  const keys = [startKey === "" ? "" : `start_key: ${startKey} `, endKey === "" ? "" : `end_key: ${endKey} `].join("");
  const listed = peers.map((peer) => `peers { id: ${peer.id} store_id: ${peer.store} }`).join(" ");
  return `id: ${id} ${keys}region_epoch { conf_ver: ${confVer} version: ${version} } ${listed}`;
}

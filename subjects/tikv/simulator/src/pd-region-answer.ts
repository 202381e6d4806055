import type { Cluster, Region } from "./pd-cluster.ts";
import { sizeMiB } from "./pd-store-answer.ts";
import type { PeerMeta } from "./wire.ts";

/** A region as PD's answers show it: by its leader's last word, which may be 60 s old, or older when it lost its quorum. */
export function regionAnswer({ meta, report }: Region) {
  const leader = meta.peers.find(({ store }) => store === report?.claim.leader);
  const peerOf = (store: number) => meta.peers.find((peer) => peer.store === store);
  const down = (report?.down ?? []).flatMap(({ store, seconds }) => {
    const peer = peerOf(store);
    return peer === undefined ? [] : [{ peer: peerAnswer(peer), down_seconds: seconds }];
  });
  const pending = (report?.pending ?? []).flatMap((store) => {
    const peer = peerOf(store);
    return peer === undefined ? [] : [peerAnswer(peer)];
  });
  return {
    id: meta.id,
    start_key: meta.startKey,
    end_key: meta.endKey,
    epoch: { conf_ver: meta.confVer, version: meta.version },
    peers: meta.peers.map(peerAnswer),
    leader: leader === undefined ? { role_name: "" } : peerAnswer(leader),
    ...(down.length === 0 ? {} : { down_peers: down }),
    ...(pending.length === 0 ? {} : { pending_peers: pending }),
    cpu_usage: 0,
    written_bytes: Math.round(report?.flow.writtenBytes ?? 0),
    read_bytes: Math.round(report?.flow.readBytes ?? 0),
    written_keys: Math.round(report?.flow.writtenKeys ?? 0),
    read_keys: Math.round(report?.flow.readKeys ?? 0),
    approximate_size: sizeMiB(report?.claim.sizeBytes),
    approximate_keys: Math.round(report?.claim.keys ?? 0),
  };
}

export function regionsAnswer(regions: Region[]) {
  return { count: regions.length, regions: regions.map(regionAnswer) };
}

/** The regions that each check of `/regions/check/…` finds. */
export const regionChecks: Record<string, (region: Region, cluster: Cluster) => boolean> = {
  "miss-peer": ({ meta }, cluster) => meta.peers.filter(({ role }) => role === "Voter").length < cluster.maxReplicas,
  "extra-peer": ({ meta }, cluster) => meta.peers.filter(({ role }) => role === "Voter").length > cluster.maxReplicas,
  "pending-peer": ({ report }) => (report?.pending.length ?? 0) > 0,
  "down-peer": ({ report }) => (report?.down.length ?? 0) > 0,
  "learner-peer": ({ meta }) => meta.peers.some(({ role }) => role === "Learner"),
  "offline-peer": ({ meta }, cluster) =>
    meta.peers.some(({ store }) => cluster.stores.get(store)?.meta.state === "Offline"),
  "empty-region": ({ report }) => report !== undefined && sizeMiB(report.claim.sizeBytes) <= 1,
  "oversized-region": ({ report }) => sizeMiB(report?.claim.sizeBytes) >= 144,
  "undersized-region": ({ report }, cluster) =>
    report !== undefined && sizeMiB(report.claim.sizeBytes) <= cluster.limit("max-merge-region-size"),
};

function peerAnswer({ id, store, role }: PeerMeta) {
  return { role_name: role, ...(role === "Learner" ? { is_learner: true } : {}), id, store_id: store };
}

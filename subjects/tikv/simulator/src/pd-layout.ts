import type { Cluster } from "./pd-cluster.ts";
import type { Claim, RegionMeta } from "./wire.ts";

/** A raft group begins at this term in a real TiKV. */
const firstTerm = 5;
const keyDigits = 9;
const regionBytes = 24 * 1_048_576;
const keysPerRegion = 20_000;

/** `count` regions of equal ranges of keys (`k000000000` and on), each with its peers on different stores, led evenly. */
export async function layOut(cluster: Cluster, count: number): Promise<void> {
  const stores = [...cluster.stores.keys()];
  const replicas = Math.min(cluster.maxReplicas, stores.length);
  const firstId = await cluster.allocate(count * (1 + replicas));
  const regions = Array.from({ length: count }, (_, at): RegionMeta => {
    const id = firstId + at * (1 + replicas);
    const peers = Array.from({ length: replicas }, (_, nth) => ({
      id: id + 1 + nth,
      store: stores[(at + nth) % stores.length] ?? 0,
      role: "Voter" as const,
    }));
    return {
      id,
      confVer: 5,
      version: 5 + count,
      peers,
      startKey: at === 0 ? "" : keyAt(at),
      endKey: at === count - 1 ? "" : keyAt(at + 1),
    };
  });
  await cluster.write(regions.map((region) => ({ key: `region/${region.id}`, value: region })));
  for (const meta of regions) cluster.regions.set(meta.id, { meta });
}

/** What the stores are told of a fresh cluster's regions, each led by its first peer. */
export function firstClaims(cluster: Cluster): Claim[] {
  return [...cluster.regions.values()].map(({ meta }) => ({
    region: meta,
    term: firstTerm,
    leader: meta.peers[0]?.store ?? 0,
    sizeBytes: regionBytes,
    keys: keysPerRegion,
  }));
}

/** In the middle of two keys (upper-case hex, empty: no end). */
export function keyBetween(startKey: string, endKey: string): string {
  const bytes = Math.max(startKey.length, endKey.length, 2) / 2 + 1;
  const start = BigInt(`0x${startKey.padEnd(bytes * 2, "0")}`);
  const end = endKey === "" ? BigInt(`0x${"FF".repeat(bytes)}`) : BigInt(`0x${endKey.padEnd(bytes * 2, "0")}`);
  return ((start + end) / 2n)
    .toString(16)
    .toUpperCase()
    .padStart(bytes * 2, "0");
}

function keyAt(region: number): string {
  const text = `k${String(region * keysPerRegion).padStart(keyDigits, "0")}`;
  return Buffer.from(text).toString("hex").toUpperCase();
}

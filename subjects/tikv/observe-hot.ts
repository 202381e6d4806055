import type { Source } from "@operator/subject/observation";
import { hotRegionsOf } from "./invariant-hot-region.ts";
import type { PdClient } from "./pd-client.ts";
import { flowPath, type PdRegion, PdRegions } from "./pd-regions.ts";
import type { HotReading, HotRegion } from "./state.ts";
import { cluster, regionTarget, storeTarget } from "./targets.ts";

const shownMax = 8;
const latelyMs = 600_000;
const latelyMax = 64;

/** The regions with the most traffic, and which of them were hot within the last ten minutes. */
export function hotSource(pd: PdClient, nowMs = Date.now): Source {
  const hotAtMs = new Map<string, number>();
  return {
    name: "hot",
    rhythmMs: 10_000,
    timeoutMs: 3_000,
    targets: () => [cluster],
    read: async (signal) => {
      const [written, read] = await Promise.all([
        pd.get(flowPath("write", shownMax), PdRegions, signal),
        pd.get(flowPath("read", shownMax), PdRegions, signal),
      ]);
      const lists = {
        write: written.slice(0, shownMax).map(hotRegionOf),
        read: read.slice(0, shownMax).map(hotRegionOf),
      };
      const atMs = nowMs();
      for (const region of hotRegionsOf(lists)) {
        // The newest last.
        hotAtMs.delete(region);
        hotAtMs.set(region, atMs);
      }
      for (const [region, wasMs] of hotAtMs) if (atMs - wasMs > latelyMs) hotAtMs.delete(region);
      const value: HotReading = { ...lists, lately: [...hotAtMs.keys()].slice(-latelyMax) };
      return { [cluster]: { value } };
    },
  };
}

export function hotRegionOf({ id, leader, peers, ...region }: PdRegion): HotRegion {
  return {
    region: regionTarget(id),
    ...(leader?.store_id !== undefined && { leader: storeTarget(leader.store_id) }),
    stores: peers.flatMap(({ store_id }) => (store_id === undefined ? [] : [storeTarget(store_id)])),
    writtenBytes: region.written_bytes,
    writtenKeys: region.written_keys,
    readBytes: region.read_bytes,
    readKeys: region.read_keys,
    sizeMiB: region.approximate_size,
  };
}

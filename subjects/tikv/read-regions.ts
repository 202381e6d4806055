import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import { hotRegionOf } from "./observe-hot.ts";
import type { PdClient } from "./pd-client.ts";
import { PdId } from "./pd-json.ts";
import { flowPath, PdRegion, PdRegions } from "./pd-regions.ts";
import { withPd } from "./read-pd.ts";
import { regionTarget, storeTarget } from "./targets.ts";

const hottestMax = 16;
const listedMax = 32;
const keyCharsMax = 128;

const none = z.strictObject({});
const OneRegion = z.strictObject({
  id: z
    .string()
    .max(27)
    .regex(/^(?:region-)?\d{1,20}$/, { error: "a region's id, such as 18 or region-18" })
    .describe("the region's id, e.g. 18 or region-18"),
});

/** The regions that are written to most. */
export const getHotWriteRegions = defineReadTool<typeof none>({
  name: "get_hot_write_regions",
  title: "The regions that are written to most",
  about: `The ${hottestMax} busiest by the bytes written in the minute before their last heartbeat, with leader and stores, and those that PD itself lists as hot, which it does only minutes later. Helps when a store is slow or busy: does one region take it all?`,
  parameters: none,
  read: (_, hands) => withPd(hands, (pd) => hottest(pd, "write", hands.signal)),
});

/** The regions that are read most. */
export const getHotReadRegions = defineReadTool<typeof none>({
  name: "get_hot_read_regions",
  title: "The regions that are read most",
  about: `The ${hottestMax} busiest by the bytes read in the minute before their last heartbeat, with leader and stores, and those that PD itself lists as hot, which it does only minutes later. Helps when a store is slow or busy: does one region take it all?`,
  parameters: none,
  read: (_, hands) => withPd(hands, (pd) => hottest(pd, "read", hands.signal)),
});

/** One region as its leader reported it last. */
export const getRegion = defineReadTool<typeof OneRegion>({
  name: "get_region",
  title: "One region as its leader last reported it",
  about:
    "Its leader, peers with their stores and roles, peers that are down or pending, size, keys, and what was written and read in the minute before its last heartbeat. A region that lost its quorum reports no more: PD keeps showing its old leader.",
  parameters: OneRegion,
  read: ({ id }, hands) =>
    withPd(hands, async (pd) => {
      const path = `/pd/api/v1/region/id/${id.replace(/^region-/, "")}`;
      const region = await pd.get(path, PdRegion, hands.signal);
      return {
        ...hotRegionOf(region),
        keys: region.approximate_keys,
        peers: region.peers.map((peer) => ({ ...peerOf(peer), role: peer.role_name ?? "Voter" })),
        downPeers: (region.down_peers ?? []).map(({ down_seconds, peer }) => ({
          ...peerOf(peer),
          ...(down_seconds !== undefined && { downForS: down_seconds }),
        })),
        pendingPeers: (region.pending_peers ?? []).map(peerOf),
        startKey: keyOf(region.start_key),
        endKey: keyOf(region.end_key),
      };
    }),
});

/** `GET /hotspot/regions/…`, as far as it's used: by store, the regions that it leads and that PD finds hot. */
const PdHotspots = z.object({
  as_leader: z
    .record(
      z.string(),
      z.object({ statistics: z.array(z.object({ region_id: PdId, hot_degree: z.int().optional() })).nullish() }),
    )
    .nullish(),
});

async function hottest(pd: PdClient, kind: "write" | "read", signal: AbortSignal) {
  const [busiest, hotspots] = await Promise.all([
    pd.get(flowPath(kind, hottestMax), PdRegions, signal),
    pd.get(`/pd/api/v1/hotspot/regions/${kind}`, PdHotspots, signal),
  ]);
  const listed = Object.entries(hotspots.as_leader ?? {}).flatMap(([store, { statistics }]) =>
    (statistics ?? []).map(({ region_id, hot_degree }) => ({
      region: regionTarget(region_id),
      leader: storeTarget(store),
      ...(hot_degree !== undefined && { degree: hot_degree }),
    })),
  );
  return { busiest: busiest.slice(0, hottestMax).map(hotRegionOf), listedByPd: listed.slice(0, listedMax) };
}

function peerOf({ id, store_id }: PdRegion["peers"][number]): { id?: string; store?: string } {
  return { ...(id !== undefined && { id }), ...(store_id !== undefined && { store: storeTarget(store_id) }) };
}

/** Keys are hexadecimal, of any length, and empty at both ends of the key space. */
function keyOf(key: string | undefined): string {
  return key === undefined || key === "" ? "(none)" : key.slice(0, keyCharsMax);
}

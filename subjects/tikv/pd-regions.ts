import { z } from "zod";
import { PdId } from "./pd-json.ts";

/** The regions with the most written or read in the 60 s before their last heartbeat, the busiest first. */
export function flowPath(kind: "write" | "read", limit: number): string {
  return `/pd/api/v1/regions/${kind}flow?limit=${limit}`;
}

const count = z.int().nonnegative();
const PdPeer = z.object({ id: PdId.optional(), store_id: PdId.optional(), role_name: z.string().optional() });

/** A region, as its leader last reported it. `leader` has no `store_id` while PD knows of none. */
export const PdRegion = z.object({
  id: PdId,
  start_key: z.string().optional(),
  end_key: z.string().optional(),
  peers: z.array(PdPeer).default([]),
  leader: PdPeer.optional(),
  down_peers: z.array(z.object({ down_seconds: z.number().optional(), peer: PdPeer })).optional(),
  pending_peers: z.array(PdPeer).optional(),
  written_bytes: count.default(0),
  written_keys: count.default(0),
  read_bytes: count.default(0),
  read_keys: count.default(0),
  approximate_size: count.default(0),
  approximate_keys: count.default(0),
});
export type PdRegion = z.infer<typeof PdRegion>;

export const PdRegions = z.object({ regions: z.array(PdRegion).nullable() }).transform(({ regions }) => regions ?? []);

import { z } from "zod";
import { PdId } from "./pd-json.ts";
import { PdBoolean, PdBytes, PdTimeNs } from "./pd-values.ts";

/** All stores: those that are up, that are leaving, and the tombstones, which PD hides unless asked. */
export const storesPath = "/pd/api/v1/stores?state=0&state=1&state=2";

const count = z.int().nonnegative();
/** An odd one is absent: it mustn't cost the list of all stores. */
const size = PdBytes.optional().catch(undefined);

/** One store in `GET /stores` or `GET /store/<id>`. PD leaves out what is 0, false or empty. */
export const PdStore = z.object({
  store: z.object({
    id: PdId,
    address: z.string(),
    version: z.string().optional(),
    status_address: z.string().optional(),
    start_timestamp: count.optional(),
    last_heartbeat: PdTimeNs.optional(),
    node_state: z.int().optional(),
    state_name: z.string(),
  }),
  status: z.object({
    capacity: size,
    available: size,
    used_size: size,
    leader_count: count.default(0),
    region_count: count.default(0),
    pending_peer_count: count.default(0),
    slow_score: z.number().optional(),
    network_slow_score: z.record(z.string(), z.number()).optional(),
    is_busy: PdBoolean.optional(),
  }),
});
export type PdStore = z.infer<typeof PdStore>;

export const PdStores = z.object({ stores: z.array(PdStore).nullable() });

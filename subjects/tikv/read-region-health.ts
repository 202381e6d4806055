import { defineReadTool, type ReadToolHands } from "@operator/subject/read-tool";
import { z } from "zod";
import { PdStores, storesPath } from "./pd-stores.ts";
import { readNow } from "./read-metrics.ts";
import { withPd } from "./read-pd.ts";
import { withPrometheus } from "./read-prometheus.ts";
import { cluster, storeTarget } from "./targets.ts";

const none = z.strictObject({});
const PdCount = z.object({ count: z.int().nonnegative() });

/** How the regions are, all together. */
export const getRegionHealth = defineReadTool<typeof none>({
  name: "get_region_health",
  title: "How the regions are, in numbers",
  about:
    "How many regions PD knows, how many leaders it counts on each store (their sum below the regions: some report no leader, which is usual for a minute after PD's own leader changed, and otherwise a lost quorum), and how many lack peers, or have down, pending, offline, extra or learner ones. Down peers show only ten minutes after a store is gone.",
  parameters: none,
  read: async (_, hands) => {
    const [regions, health] = await Promise.all([regionsOf(hands), healthOf(hands)]);
    return { ...regions, ...health };
  },
});

async function regionsOf(hands: ReadToolHands) {
  return await withPd(hands, async (pd) => {
    const [{ count }, { stores }] = await Promise.all([
      pd.get("/pd/api/v1/regions/count", PdCount, hands.signal),
      pd.get(storesPath, PdStores, hands.signal),
    ]);
    const leaders = (stores ?? []).map(({ store, status }) => [storeTarget(store.id), status.leader_count] as const);
    return {
      regions: count,
      leaders: leaders.reduce((sum, [, each]) => sum + each, 0),
      leadersByStore: Object.fromEntries(leaders.slice(0, 100)),
    };
  });
}

/** Only Prometheus has these at a cost that doesn't grow with the regions; without it the rest is told. */
async function healthOf(hands: ReadToolHands) {
  try {
    const { regionHealth } = await withPrometheus(hands, (scraped) => readNow(scraped, cluster, hands.signal));
    return regionHealth ? { unwell: regionHealth } : { missing: "Prometheus has no counts of regions that are unwell" };
  } catch (error) {
    return { missing: `counts of regions that are unwell: ${error instanceof Error ? error.message : String(error)}` };
  }
}

import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import { readingOf } from "./observe-stores.ts";
import { PdStores, storesPath } from "./pd-stores.ts";
import { withPd } from "./read-pd.ts";
import { storeTarget } from "./targets.ts";

/** More don't fit into an answer anyway. */
const storesMax = 100;

const none = z.strictObject({});

/** The stores as PD has them; those that aren't up come first. */
export const getStores = defineReadTool<typeof none>({
  name: "get_stores",
  title: "The stores as PD has them now",
  about:
    "Each store's state, age of its last heartbeat, leaders, regions, pending peers, sizes and slow score; stores that aren't Up first. Helps to see whether one store differs from the others. PD learns of a death only 20 s after the last heartbeat, and calls all stores Disconnected just after its own leader changed.",
  parameters: none,
  read: (_, hands) =>
    withPd(hands, async (pd) => {
      const { stores } = await pd.get(storesPath, PdStores, hands.signal);
      const atMs = Date.now();
      const all = (stores ?? []).map((store) => readingOf(store));
      const byState = Map.groupBy(all, ({ state }) => state);
      const shown = all.toSorted((a, b) => Number(a.state === "Up") - Number(b.state === "Up")).slice(0, storesMax);
      return {
        counts: Object.fromEntries([...byState].map(([state, each]) => [state, each.length])),
        stores: Object.fromEntries(
          shown.map(({ id, lastHeartbeatMs, ...reading }) => [
            storeTarget(id),
            { ...reading, ...(lastHeartbeatMs !== undefined && { heartbeatAgeMs: atMs - lastHeartbeatMs }) },
          ]),
        ),
      };
    }),
});

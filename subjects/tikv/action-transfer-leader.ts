import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsIdleRegion, needsPdLeader, regionsSeen, shown, unfitness } from "./action-sight.ts";
import { actOnPd, writeToPd } from "./pd-write.ts";
import { endedOtherwise, leaderOf, runOperator } from "./pd-write-operator.ts";
import type { State } from "./state.ts";
import { regionTarget, storeIdOf, storeTarget } from "./targets.ts";

const Parameters = z.strictObject({
  /** The target's own id: an approval names it. */
  regionId: z.string().regex(/^[1-9]\d{0,19}$/).max(20),
  toStore: z.string().regex(/^store-[1-9]\d{0,19}$/).max(26),
}); // prettier-ignore
const Before = z.object({ leader: z.string().nullable() });

const name = "transfer_leader";

/** Has another of a region's replicas lead it. */
export const transferLeader = defineAction<State, typeof Parameters>({
  name,
  title: "Have another store lead a region",
  about:
    "Moves the lead of one busy region, and with it its reads and writes, to another store that has a replica. Right when one store carries most of the traffic, or is slow while others aren't. No data moves; it takes less than a second. Undone by moving the lead back. Risk low: clients find the new leader by themselves; PD may move it again.",
  parameters: Parameters,
  risk: "low",
  targets: (state) => regionsSeen(state).map(({ region }) => region),
  executeWithinMs: 75_000,
  verifyWithinMs: 300_000,
  coolDownMs: 300_000,
  takesOut: false,
  needs: () => clusterNeeds("hot", "operators", "schedule"),
  guard: ({ state, target, parameters: { regionId, toStore } }) => {
    if (regionTarget(regionId) !== target) {
      return { code: "REGION_DIFFERS", message: `regionId is "${regionId}", and the target ${target}` };
    }
    const region = regionsSeen(state).find((one) => one.region === target);
    if (!region) return { code: "REGION_UNKNOWN", message: `${target} isn't among the busiest regions` };
    if (!region.stores.includes(toStore)) {
      const message = `${target} has no replica on ${toStore}: its replicas are on ${region.stores.join(", ")}`;
      return { code: "STORE_WITHOUT_REPLICA", message };
    }
    if (region.leader === toStore) return { code: "LEADS_ALREADY", message: `${toStore} leads ${target} already` };
    const why = unfitness(state, toStore);
    if (why !== undefined) return { code: "STORE_UNFIT", message: `${toStore} shouldn't lead: ${why}` };
    return needsPdLeader(state) ?? needsIdleRegion(state, target);
  },
  isDone: ({ state, target, parameters: { toStore } }) =>
    shown(regionsSeen(state).some(({ region, leader }) => region === target && leader === toStore)),
  execute: async ({ state, parameters: { regionId, toStore }, keep }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      const leader = await leaderOf(pd, regionId);
      if (leader === storeIdOf(toStore))
        throw new NotDone("LEADS_ALREADY", `${toStore} leads region-${regionId} already`);
      await keep({ leader: leader === undefined ? null : storeTarget(leader) });
      const { status, tookMs } = await runOperator(pd, regionId, transferTo(regionId, toStore));
      // An operator that ended otherwise may have been overtaken by what it was for.
      if (status !== "SUCCESS" && (await leaderOf(pd, regionId)) !== storeIdOf(toStore)) {
        throw endedOtherwise(status, `the transfer of region-${regionId} to ${toStore}`);
      }
      const from = leader === undefined ? "nobody" : storeTarget(leader);
      return { effect: `${toStore} leads region-${regionId}, after ${tookMs} ms; before it was ${from}` };
    }),
  undo: async ({ parameters: { regionId }, before }, { environment }, signal) => {
    const { leader } = Before.parse(before);
    if (leader === null) return `nobody is known to have led region-${regionId} before: it stays`;
    return await writeToPd({ action: name, environment, signal }, async (pd) => {
      if ((await leaderOf(pd, regionId)) === storeIdOf(leader)) return `${leader} leads region-${regionId} again`;
      const { status } = await runOperator(pd, regionId, transferTo(regionId, leader));
      if (status !== "SUCCESS") throw endedOtherwise(status, `the transfer of region-${regionId} to ${leader}`);
      return `${leader} leads region-${regionId} again`;
    });
  },
});

function transferTo(regionId: string, store: string) {
  const toStore = BigInt(storeIdOf(store) ?? "");
  return { name: "transfer-leader", region_id: BigInt(regionId), to_store_id: toStore };
}

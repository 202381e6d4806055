import { type Fault, FaultRefused } from "@operator/subject/fault";
import { z } from "zod";
import { breaksNothing, ofKind, ttlMs } from "./fault-members.ts";
import { asAnonymous } from "./fault-pd.ts";
import { storeOf } from "./fault-store.ts";
import { evictLeader } from "./pd-schedule.ts";
import { addScheduler, removeSchedulerFrom, storesOf } from "./pd-write-schedulers.ts";
import { storeTarget } from "./targets.ts";

const Undo = z.object({ store: z.string() });

/** As after a maintenance that nobody finished: the store is well, and leads nothing. */
export const leaveEvictLeader: Fault = {
  name: "leave_evict_leader",
  title: "An evict-leader scheduler is left behind, so that a store leads nothing",
  cause: "misconfigured",
  targets: ofKind("store"),
  ttlMs,
  breaks: breaksNothing,
  by: "api",
  parameters: z.strictObject({}),
  resolve: async (target, _members, hands, signal) => {
    const { id } = await storeOf(target, hands, signal);
    const evicted = await asAnonymous(hands, signal, (pd) => storesOf(pd, evictLeader));
    if (evicted.includes(id)) {
      throw new FaultRefused(
        "EVICTED_ALREADY",
        `${evictLeader} holds store ${id} already: it's somebody else's to remove`,
      );
    }
    return { target, observedAs: storeTarget(id), undo: { store: id } };
  },
  inject: async ({ target }, hands, signal) => {
    const { id } = await storeOf(target, hands, signal);
    await asAnonymous(hands, signal, (pd) => addScheduler(pd, evictLeader, id));
    return { undo: { store: id } };
  },
  revert: async ({ undo }, hands, signal) => {
    const { store } = Undo.parse(undo);
    await asAnonymous(hands, signal, (pd) => removeSchedulerFrom(pd, evictLeader, store));
  },
  proof: async ({ target }, hands, signal) => {
    const { id } = await storeOf(target, hands, signal);
    const evicted = await asAnonymous(hands, signal, (pd) => storesOf(pd, evictLeader));
    return evicted.includes(id) ? `PD says that ${evictLeader} holds store ${id}, which is ${target}` : undefined;
  },
};

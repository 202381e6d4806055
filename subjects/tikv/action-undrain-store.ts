import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsPdLeader, storeNeeds, unreadiness } from "./action-sight.ts";
import { evictLeader } from "./pd-schedule.ts";
import { actOnPd, writeToPd } from "./pd-write.ts";
import { addScheduler, removeSchedulerFrom, storesOf } from "./pd-write-schedulers.ts";
import type { State } from "./state.ts";
import { cluster, storeIdOf } from "./targets.ts";

const Parameters = z.strictObject({});
const name = "undrain_store";

/** Lets a store lead again. */
export const undrainStore = defineAction<State, typeof Parameters>({
  name,
  title: "Let a store lead regions again",
  about:
    "Removes a store from PD's evict-leader scheduler; PD then gives it leaders again, a few at a time. Right when a drain was left behind: the scheduler outlives restarts, and the store carries nothing for as long as it's there. Undone by draining it again. Risk low: leaders move without data; a store that is slow still slows its regions down.",
  parameters: Parameters,
  risk: "low",
  targets: ({ stores }) => Object.keys(stores ?? {}),
  executeWithinMs: 20_000,
  verifyWithinMs: 300_000,
  coolDownMs: 300_000,
  takesOut: false,
  needs: (target) => [...clusterNeeds("schedule"), ...storeNeeds(target)],
  guard: ({ state, target }) => {
    const evicted = state.schedule?.[cluster]?.evictLeader ?? [];
    if (!evicted.includes(target)) {
      const message = `no evict-leader scheduler holds ${target}: it holds ${evicted.join(", ") || "no store"}`;
      return { code: "NOT_DRAINED", message };
    }
    const why = unreadiness(state, target);
    if (why !== undefined) return { code: "STORE_NOT_UP", message: `${target} can't lead now: ${why}` };
    return needsPdLeader(state);
  },
  isDone: ({ state, target }) => {
    const schedule = state.schedule?.[cluster];
    // It was drained when this was claimed, so an old reading can't say otherwise.
    return schedule && !schedule.evictLeader.includes(target) ? true : undefined;
  },
  execute: async ({ state, target }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      const id = storeIdOf(target) ?? "";
      const evicted = await storesOf(pd, evictLeader);
      if (!evicted.includes(id)) throw new NotDone("NOT_DRAINED", `no evict-leader scheduler holds ${target} any more`);
      await removeSchedulerFrom(pd, evictLeader, id);
      return { effect: `${evictLeader}-${id} is removed: PD may give ${target} leaders again` };
    }),
  undo: async ({ target }, { environment }, signal) =>
    await writeToPd({ action: name, environment, signal }, async (pd) => {
      await addScheduler(pd, evictLeader, storeIdOf(target));
      return `${target} is kept free of leaders again`;
    }),
});

import { setTimeout as sleep } from "node:timers/promises";
import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsOtherStores, needsPdLeader, shown, storeNeeds } from "./action-sight.ts";
import { evictLeader } from "./pd-schedule.ts";
import { PdStore } from "./pd-stores.ts";
import { actOnPd, type PdWriter, unlessAway, writeToPd } from "./pd-write.ts";
import { leaderOfPd } from "./pd-write-leader.ts";
import { addScheduler, removeSchedulerFrom, storesOf } from "./pd-write-schedulers.ts";
import type { State } from "./state.ts";
import { cluster, storeIdOf } from "./targets.ts";

const lookEveryMs = 500;
/** PD moves a few leaders at a time; a store has hundreds or thousands. */
const followForMs = 60_000;
/** Regions tell PD every minute who leads them: until then a new leader of PD counts too few, and may count none. */
const countsAfterMs = 60_000;

const Parameters = z.strictObject({});
const name = "drain_store";

/** Moves all leaders off a store. */
export const drainStore = defineAction<State, typeof Parameters>({
  name,
  title: "Move all leaders off a store",
  about:
    "Adds PD's evict-leader scheduler for a store: its leaders move to stores that have replicas, and none comes back. Right for a store that is up and slow, or is about to be restarted. It lasts until undrain_store, also over restarts of PD and of the store. Undone by removing the scheduler. Risk medium: the others carry its load; a majority of the replicas' number has to stay fit.",
  parameters: Parameters,
  risk: "medium",
  targets: ({ stores }) => Object.keys(stores ?? {}),
  executeWithinMs: 75_000,
  verifyWithinMs: 600_000,
  coolDownMs: 900_000,
  takesOut: true,
  needs: (target) => [...clusterNeeds("schedule"), ...storeNeeds(target)],
  guard: ({ state, target }) => {
    const reading = state.stores?.[target];
    const schedule = state.schedule?.[cluster];
    if (!reading || !schedule) {
      const message = `PD's word on ${reading ? "what it may schedule" : target} isn't known now`;
      return { code: "STORE_UNKNOWN", message };
    }
    // A leader gives its lead away itself: who is dead or cut off can't, and its regions elect another one by themselves.
    if (reading.state !== "Up" || state.probe?.[target]?.state !== "up") {
      const message = `${target} is ${reading.state} for PD, its probe says ${state.probe?.[target]?.state ?? "nothing"}: it can't give leaders away`;
      return { code: "STORE_NOT_UP", message };
    }
    if (schedule.evictLeader.length > 0) {
      const drained = schedule.evictLeader.join(", ");
      return { code: "DRAIN_RUNNING", message: `${drained} is drained already: one store at a time` };
    }
    const hindrance = whatHinders(schedule);
    if (hindrance !== undefined) {
      return { code: "DRAIN_WITHOUT_EFFECT", message: `PD would accept it and do nothing: ${hindrance}` };
    }
    return needsPdLeader(state) ?? needsOtherStores(state, target);
  },
  isDone: ({ state, target }) => shown(state.schedule?.[cluster]?.evictLeader.includes(target)),
  execute: async ({ state, target }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      const id = storeIdOf(target) ?? "";
      const evicted = await storesOf(pd, evictLeader);
      if (evicted.length > 0) throw new NotDone("DRAIN_RUNNING", `store ${evicted.join(", ")} is drained already`);
      const from = await leadersOf(pd, id);
      await addScheduler(pd, evictLeader, id);
      return { effect: await followDrain(pd, id, from, state) };
    }),
  undo: async ({ target }, { environment }, signal) =>
    await writeToPd({ action: name, environment, signal }, async (pd) => {
      await removeSchedulerFrom(pd, evictLeader, storeIdOf(target));
      return `PD may give ${target} leaders again`;
    }),
});

/** With either of these PD says 200 to a drain and never moves a leader. */
function whatHinders(schedule: NonNullable<State["schedule"]>[string]): string | undefined {
  if (schedule.leaderScheduleLimit === 0) return "its leader-schedule-limit is 0";
  if (schedule.leaderScheduleLimit === undefined) return "its leader-schedule-limit isn't known";
  return schedule.haltScheduling ? "its scheduling is halted" : undefined;
}

async function leadersOf(pd: PdWriter, storeId: string): Promise<number> {
  return (await pd.read(`/pd/api/v1/store/${storeId}`, PdStore)).status.leader_count;
}

/** Follows a drain until the store leads nothing, or says how far it came while PD's word on that counts. */
async function followDrain(pd: PdWriter, storeId: string, from: number, { members }: State): Promise<string> {
  const { leader, leaderSinceMs = Infinity } = members?.[cluster] ?? {};
  const startedMs = performance.now();
  for (let left = from; ;) {
    left = (await unlessAway(leadersOf(pd, storeId))) ?? left;
    // After the count, so that whoever leads by now isn't taken for who counted.
    const leads = await unlessAway(leaderOfPd(pd));
    const tookMs = Math.round(performance.now() - startedMs);
    if (leads !== undefined && leads !== leader) {
      return `store-${storeId} led ${from} regions; after ${tookMs} ms ${leads} leads PD and counts anew: how many are left isn't known, and PD goes on moving them`;
    }
    if (left === 0 && leads === leader) {
      const counts = Date.now() - leaderSinceMs >= countsAfterMs;
      const none = counts ? "leads none" : `PD knows of none that it leads still, but ${leader} leads PD only lately`;
      return `store-${storeId} led ${from} regions and ${none}, after ${tookMs} ms`;
    }
    if (tookMs > followForMs) {
      return `store-${storeId} led ${from} regions and leads ${left} of them still after ${tookMs} ms; PD goes on moving them`;
    }
    await sleep(lookEveryMs, undefined, { signal: pd.signal });
  }
}

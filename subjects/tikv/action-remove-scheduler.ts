import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsPdLeader } from "./action-sight.ts";
import { actOnPd, writeToPd } from "./pd-write.ts";
import { addScheduler, removeSchedulerFrom, schedulersOf, storesOf } from "./pd-write-schedulers.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

/** Those that act on stores that they were told of: they're given back with them. */
const perStore = ["evict-leader-scheduler", "grant-leader-scheduler"];
/**
 * What people add by hand and can be given back as it was. PD's own (balance-*, evict-slow-store, evict-stopping-store) stay:
 * without them nothing is balanced.
 */
const removable = [
  ...perStore,
  "label-scheduler",
  "random-merge-scheduler",
  "shuffle-hot-region-scheduler",
  "shuffle-leader-scheduler",
  "shuffle-region-scheduler",
];

const Parameters = z.strictObject({ name: z.string().min(1).max(64) });
const Before = z.object({ stores: z.array(z.string()) });
const name = "remove_scheduler";

/** Removes a scheduler that somebody added. */
export const removeScheduler = defineAction<State, typeof Parameters>({
  name,
  title: "Remove a scheduler that somebody added to PD",
  about: `Removes one of PD's schedulers with all that it does: ${removable.join(", ")}. Right when one of them was left behind after maintenance or a test. To lift the eviction of one store alone there's undrain_store. Undone by adding it again, for the same stores. Risk medium: somebody may need it; PD's own schedulers are refused.`,
  parameters: Parameters,
  risk: "medium",
  targets: ({ schedule }) => Object.keys(schedule ?? {}),
  executeWithinMs: 20_000,
  verifyWithinMs: 300_000,
  coolDownMs: 300_000,
  takesOut: false,
  needs: () => clusterNeeds("schedule"),
  guard: ({ state, parameters }) => {
    const present = state.schedule?.[cluster]?.schedulers ?? [];
    if (!present.includes(parameters.name)) {
      const message = `PD has no scheduler ${JSON.stringify(parameters.name)}: it has ${present.join(", ") || "none"}`;
      return { code: "SCHEDULER_UNKNOWN", message };
    }
    if (!removable.includes(parameters.name)) {
      const message = `${parameters.name} stays: only ${removable.join(", ")} may be removed`;
      return { code: "SCHEDULER_KEPT", message };
    }
    return needsPdLeader(state);
  },
  isDone: ({ state, parameters }) => {
    const schedule = state.schedule?.[cluster];
    // It was there when this was claimed, so an old reading can't say otherwise.
    return schedule && !schedule.schedulers.includes(parameters.name) ? true : undefined;
  },
  execute: async ({ state, parameters, keep }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      if (!(await schedulersOf(pd)).includes(parameters.name)) {
        throw new NotDone("SCHEDULER_UNKNOWN", `PD has no scheduler ${parameters.name} any more`);
      }
      const stores = perStore.includes(parameters.name) ? await storesOf(pd, parameters.name) : [];
      await keep({ stores });
      await removeSchedulerFrom(pd, parameters.name);
      const held = stores.length === 0 ? "" : `; it held store ${stores.join(", ")}`;
      return { effect: `${parameters.name} is removed${held}` };
    }),
  undo: async ({ parameters, before }, { environment }, signal) => {
    const { stores } = Before.parse(before);
    const isPerStore = perStore.includes(parameters.name);
    // PD adds none of these without a store.
    if (isPerStore && stores.length === 0) return `${parameters.name} held no store: there is nothing to give back`;
    const each = isPerStore ? stores : [undefined];
    await writeToPd({ action: name, environment, signal }, async (pd) => {
      for (const store of each) await addScheduler(pd, parameters.name, store);
    });
    return `PD has ${parameters.name} again${stores.length === 0 ? "" : ` for store ${stores.join(", ")}`}`;
  },
});

import type { Risk } from "@operator/subject/action";
import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsPdLeader, shown } from "./action-sight.ts";
import { actOnPd, writeToPd } from "./pd-write.ts";
import { readScheduleValue, setScheduleValue } from "./pd-write-config.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

/** One of PD's limits on how much it schedules at a time. */
interface Limit {
  name: string;
  title: string;
  /** What the limit counts, and what too low and too high a one does. */
  about: string;
  risk: Risk;
  /** 0 would stop this kind of scheduling, which isn't for an action to do. */
  max: number;
  key: "leader-schedule-limit" | "region-schedule-limit" | "replica-schedule-limit";
  field: "leaderScheduleLimit" | "regionScheduleLimit" | "replicaScheduleLimit";
}

const Before = z.object({ limit: z.int().nonnegative() });

function setLimit({ key, field, max, ...told }: Limit) {
  const Parameters = z.strictObject({ limit: z.int().min(1).max(max) });
  const now = (state: State) => state.schedule?.[cluster]?.[field];
  const { name } = told;
  return defineAction<State, typeof Parameters>({
    ...told,
    parameters: Parameters,
    targets: ({ schedule }) => Object.keys(schedule ?? {}),
    executeWithinMs: 20_000,
    verifyWithinMs: 600_000,
    coolDownMs: 300_000,
    takesOut: false,
    needs: () => clusterNeeds("schedule"),
    guard: ({ state, parameters: { limit } }) => {
      const before = now(state);
      if (before === undefined) return { code: "LIMIT_UNKNOWN", message: `PD's ${key} isn't known now` };
      if (before === limit) return { code: "LIMIT_IN_FORCE", message: `${key} is ${limit} already` };
      return needsPdLeader(state);
    },
    isDone: ({ state, parameters: { limit } }) => shown(now(state) === limit),
    execute: async ({ state, parameters: { limit }, keep }, { environment }, signal) =>
      await actOnPd({ action: name, state, environment, signal }, async (pd) => {
        const before = await readScheduleValue(pd, key);
        if (before === limit) throw new NotDone("LIMIT_IN_FORCE", `${key} is ${limit} already`);
        await keep({ limit: before });
        await setScheduleValue(pd, key, limit);
        return { effect: `${key} is ${limit}; it was ${before}` };
      }),
    undo: async ({ before }, { environment }, signal) => {
      const { limit } = Before.parse(before);
      await writeToPd({ action: name, environment, signal }, (pd) => setScheduleValue(pd, key, limit));
      return `${key} is ${limit} again`;
    },
  });
}

/** How many leaders PD may be moving at a time. */
export const setLeaderScheduleLimit = setLimit({
  name: "set_leader_schedule_limit",
  title: "Set how many leaders PD may move at a time",
  about:
    "Sets PD's leader-schedule-limit, 1 to 256; PD's own default is 4. Right when it's 0, so that leaders stay where they are, drains do nothing and nobody says so. Undone by the old value. Risk low: moving a leader moves no data, and clients find it by themselves.",
  risk: "low",
  max: 256,
  key: "leader-schedule-limit",
  field: "leaderScheduleLimit",
});

/** How many replicas PD may be moving at a time to balance. */
export const setRegionScheduleLimit = setLimit({
  name: "set_region_schedule_limit",
  title: "Set how many replicas PD may move at a time to balance stores",
  about:
    "Sets PD's region-schedule-limit, 1 to 4096; PD's own default is 2048. Right when it's 0, or when moving replicas loads the stores too much. Undone by the old value. Risk medium: data moves between stores, and a high limit takes disk and network from clients.",
  risk: "medium",
  max: 4_096,
  key: "region-schedule-limit",
  field: "regionScheduleLimit",
});

/** How many replicas PD may be making good at a time. */
export const setReplicaScheduleLimit = setLimit({
  name: "set_replica_schedule_limit",
  title: "Set how many replicas PD may make good at a time",
  about:
    "Sets PD's replica-schedule-limit, 1 to 1024; PD's own default is 64. Right when it's 0, so that lost replicas aren't replaced, or when making them good loads the stores too much. Undone by the old value. Risk medium: data moves between stores, and a high limit takes disk and network from clients.",
  risk: "medium",
  max: 1_024,
  key: "replica-schedule-limit",
  field: "replicaScheduleLimit",
});

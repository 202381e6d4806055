import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import { operatorsSource } from "./observe-operators.ts";
import { scheduleSource } from "./observe-schedule.ts";
import { withPd, valueOf } from "./read-pd.ts";
import { ScheduleReading } from "./state.ts";
import { cluster } from "./targets.ts";

/** Finished ones that are told: those of the last ten minutes, the newest. */
const finishedMax = 20;
const finishedWithinS = 600;

const none = z.strictObject({});

/** Operators under way and finished lately. */
export const getOperators = defineReadTool<typeof none>({
  name: "get_operators",
  title: "What PD is moving, and what it moved lately",
  about: `The operators that PD has under way (count, and the first 20 with their regions), and up to ${finishedMax} that ended within the last ten minutes, in PD's own words. Helps to see whether PD repairs, balances, or does nothing at all.`,
  parameters: none,
  read: (_, hands) =>
    withPd(hands, async (pd) => {
      const fromS = Math.floor(Date.now() / 1_000) - finishedWithinS;
      const [running, records] = await Promise.all([
        operatorsSource(pd).read(hands.signal),
        pd.get(`/pd/api/v1/operators/records?from=${fromS}`, z.array(z.string()).nullable(), hands.signal),
      ]);
      return { underWay: valueOf(running, cluster), ended: (records ?? []).toSorted(byEnd).slice(0, finishedMax) };
    }),
});

/** Which schedulers run, are paused, or keep stores free of leaders. */
export const getSchedulers = defineReadTool<typeof none>({
  name: "get_schedulers",
  title: "PD's schedulers",
  about:
    "Which schedulers PD runs, which are paused, and which stores an evict-leader scheduler keeps free of leaders. Helps when leaders or regions don't move, or a store has none: a forgotten evict-leader scheduler outlives restarts of everything.",
  parameters: none,
  read: (_, hands) =>
    withPd(hands, async (pd) => {
      const { schedulers, paused, evictLeader } = await scheduleOf(pd, hands.signal);
      return { evictLeader, paused, schedulers };
    }),
});

/** The limits of scheduling. */
export const getScheduleConfig = defineReadTool<typeof none>({
  name: "get_schedule_config",
  title: "The limits of PD's scheduling",
  about:
    "Limits for leaders, regions, replicas, merges and hot regions (0 switches that off), the space ratios, the number of replicas, and whether scheduling is halted. Helps when PD doesn't balance or repair, or a drain has no effect.",
  parameters: none,
  read: (_, hands) =>
    withPd(hands, async (pd) => {
      const {
        schedulers: _schedulers,
        paused: _paused,
        evictLeader: _evicted,
        ...config
      } = await scheduleOf(pd, hands.signal);
      return config;
    }),
});

async function scheduleOf(pd: Parameters<typeof scheduleSource>[0], signal: AbortSignal): Promise<ScheduleReading> {
  return ScheduleReading.parse(valueOf(await scheduleSource(pd).read(signal), cluster));
}

/** The one that ended last first; PD writes the time of the end into each. */
function byEnd(a: string, b: string): number {
  return endOf(b).localeCompare(endOf(a));
}

function endOf(record: string): string {
  return /\(finishAt:([\d-]+ [\d:.]+)/.exec(record)?.[1] ?? "";
}

import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsPdLeader, shown } from "./action-sight.ts";
import { actOnPd, writeToPd } from "./pd-write.ts";
import { readScheduleValue, setScheduleValue } from "./pd-write-config.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

const Parameters = z.strictObject({ percent: z.int().min(50).max(95) });
const Before = z.object({ ratio: z.number() });
const key = "low-space-ratio";
const name = "set_low_space_threshold";

/** From which fill on PD gives a store no new replicas. */
export const setLowSpaceThreshold = defineAction<State, typeof Parameters>({
  name,
  title: "Set how full a store may be and still be given replicas",
  about:
    "Sets PD's low-space-ratio, 50 to 95 %; PD's own default is 80 %. Lower it when a store fills up, so that PD gives it no new replicas earlier; raise it for a while when all stores are full and lost replicas can't be made good. It frees no space. Undone by the old value. Risk medium: too high, and disks fill up until writes are refused; too low, and nowhere is left for replicas.",
  parameters: Parameters,
  risk: "medium",
  targets: ({ schedule }) => Object.keys(schedule ?? {}),
  executeWithinMs: 20_000,
  verifyWithinMs: 600_000,
  coolDownMs: 300_000,
  takesOut: false,
  needs: () => clusterNeeds("schedule"),
  guard: ({ state, parameters: { percent } }) => {
    const { lowSpaceRatio, highSpaceRatio } = state.schedule?.[cluster] ?? {};
    if (lowSpaceRatio === undefined || highSpaceRatio === undefined) {
      return { code: "LIMIT_UNKNOWN", message: "PD's low-space-ratio and high-space-ratio aren't known now" };
    }
    if (lowSpaceRatio === percent / 100) {
      return { code: "LIMIT_IN_FORCE", message: `${key} is ${lowSpaceRatio} already` };
    }
    if (percent / 100 <= highSpaceRatio) {
      const message = `${percent} % isn't above PD's high-space-ratio, ${highSpaceRatio}: below that PD counts a store as empty`;
      return { code: "THRESHOLD_TOO_LOW", message };
    }
    return needsPdLeader(state);
  },
  isDone: ({ state, parameters: { percent } }) => shown(state.schedule?.[cluster]?.lowSpaceRatio === percent / 100),
  execute: async ({ state, parameters: { percent }, keep }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      const ratio = await readScheduleValue(pd, key);
      if (ratio === percent / 100) throw new NotDone("LIMIT_IN_FORCE", `${key} is ${ratio} already`);
      await keep({ ratio });
      await setScheduleValue(pd, key, percent / 100);
      return { effect: `${key} is ${percent / 100}; it was ${ratio}` };
    }),
  undo: async ({ before }, { environment }, signal) => {
    const { ratio } = Before.parse(before);
    await writeToPd({ action: name, environment, signal }, (pd) => setScheduleValue(pd, key, ratio));
    return `${key} is ${ratio} again`;
  },
});

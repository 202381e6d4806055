import { type Fault, FaultRefused } from "@operator/subject/fault";
import { z } from "zod";
import { breaksNothing, ofKind, ttlMs } from "./fault-members.ts";
import { asAnonymous } from "./fault-pd.ts";
import { readScheduleValue, setScheduleValue } from "./pd-write-config.ts";
import { cluster } from "./targets.ts";

const key = "leader-schedule-limit";
const Undo = z.object({ limit: z.int().positive() });

/** PD moves no leader any more, and says so nowhere: drains and balancing silently do nothing. */
export const leaderLimitZero: Fault = {
  name: "leader_limit_zero",
  title: "PD's leader-schedule-limit is 0, so that no leader is moved",
  cause: "misconfigured",
  targets: (members) => (ofKind("pd")(members).length > 0 ? [cluster] : []),
  ttlMs,
  breaks: breaksNothing,
  by: "api",
  parameters: z.strictObject({}),
  // What stood there is in the journal before it's overwritten.
  resolve: async (target, _members, hands, signal) => {
    const limit = await asAnonymous(hands, signal, (pd) => readScheduleValue(pd, key));
    if (limit === 0)
      throw new FaultRefused("LIMIT_IS_ZERO", `${key} is 0 already: there would be nothing to give back`);
    return { target, undo: { limit } };
  },
  inject: async (_, hands, signal) => {
    await asAnonymous(hands, signal, (pd) => setScheduleValue(pd, key, 0));
    return { undo: null };
  },
  revert: async ({ undo }, hands, signal) => {
    const { limit } = Undo.parse(undo);
    await asAnonymous(hands, signal, async (pd) => {
      // Who has set it since knows better.
      if ((await readScheduleValue(pd, key)) === 0) await setScheduleValue(pd, key, limit);
    });
  },
  proof: async (_, hands, signal) => {
    const limit = await asAnonymous(hands, signal, (pd) => readScheduleValue(pd, key));
    return limit === 0 ? `PD says that ${key} is 0` : undefined;
  },
};

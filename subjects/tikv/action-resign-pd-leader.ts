import { setTimeout as sleep } from "node:timers/promises";
import { defineAction, NotDone } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds } from "./action-sight.ts";
import { actOnPd, unlessAway } from "./pd-write.ts";
import { leaderOfPd } from "./pd-write-leader.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

const lookEveryMs = 200;
/** Measured: 20 to 330 ms. A member that fails in the midst of it costs as much as one that dies, 11 to 14 s. */
const followForMs = 20_000;

const Parameters = z.strictObject({});
const name = "resign_pd_leader";

/** Has PD's leader hand over. */
export const resignPdLeader = defineAction<State, typeof Parameters>({
  name,
  title: "Have PD's leader hand over to another member",
  about:
    "PD's leader gives up the lead, and another member takes it over within a third of a second. Right when the leader is slow, or its machine is about to go. Not undone: whoever leads then is as good. Risk medium: for 20 s after it PD calls every store Disconnected until its next heartbeat, and schedulers begin anew.",
  parameters: Parameters,
  risk: "medium",
  targets: ({ members }) => Object.keys(members?.[cluster]?.members ?? {}),
  executeWithinMs: 30_000,
  verifyWithinMs: 180_000,
  coolDownMs: 600_000,
  takesOut: true,
  needs: (target) => [...clusterNeeds(), { source: "probe", target }],
  guard: ({ state, target }) => {
    const reading = state.members?.[cluster];
    if (reading?.leader === undefined || reading.leader !== target) {
      return {
        code: "NOT_THE_LEADER",
        message: `${target} doesn't lead PD: ${reading?.leader ?? "nobody known"} does`,
      };
    }
    const all = Object.keys(reading.members);
    // Who names the leader has a way to it, so it could be one.
    const following = all.filter((one) => one !== target && reading.answers[one]?.leader === target);
    const othersMin = Math.floor(all.length / 2);
    if (following.length > 0 && following.length >= othersMin) return undefined;
    const message = `beside ${target} only ${following.join(", ") || "no member"} follows: at least ${Math.max(1, othersMin)} have to, of ${all.length}`;
    return { code: "TOO_FEW_MEMBERS", message };
  },
  isDone: ({ state, target }) => {
    const leader = state.members?.[cluster]?.leader;
    return leader === undefined ? undefined : leader !== target;
  },
  execute: async ({ state, target }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      const leader = await leaderOfPd(pd);
      if (leader !== target) throw new NotDone("NOT_THE_LEADER", `${target} doesn't lead PD any more: ${leader} does`);
      await pd.write("POST", "/pd/api/v1/leader/resign");
      const startedMs = performance.now();
      for (;;) {
        // While it's handed over, members answer that there is no leader.
        const now = await unlessAway(leaderOfPd(pd));
        const tookMs = Math.round(performance.now() - startedMs);
        if (now !== undefined && now !== target)
          return { effect: `${now} leads PD, ${tookMs} ms after ${target} resigned` };
        if (tookMs > followForMs)
          throw new Error(`${tookMs} ms after ${target} was to resign, ${now ?? "nobody"} leads PD`);
        await sleep(lookEveryMs, undefined, { signal });
      }
    }),
});

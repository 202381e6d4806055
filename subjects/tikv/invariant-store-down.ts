import type { Invariant } from "@operator/subject/invariant";
import { isLeaving, storeLeft, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import { judgeProbe } from "./invariant-probe.ts";
import type { State } from "./state.ts";
import { cluster, storeIdOf } from "./targets.ts";

/** A store that starts may report to PD before its status port is open. Its own clock says when it started, to the second. */
const startingMs = 20_000;

/** Every store that serves answers: seen by the probe, 10 to 20 s before PD sees it. */
export const storeDown: Invariant<State> = {
  name: "store_down",
  title: "Every store in service answers",
  severity: "critical",
  graceMs: 0,
  worstDetectionMs: 2_000,
  why: "The regions that a dead store led do nothing until others are elected, 10 to 20 s later. The probe has confirmed it before it says refused or silent; a pause takes it two questions of 500 ms. PD calls a store disconnected after 20 s without a heartbeat, and the official PD_cluster_lost_connect_store_nums comes a minute and more after that. A store that is being decommissioned owes no answer, nor does one that never answered and that PD has never heard of, or that was started within 20 s: it's starting.",
  targets: (state) => [
    ...new Set([
      ...Object.keys(state.probe ?? {}).filter((target) => storeIdOf(target) !== undefined),
      ...storesOf(state).map(([store]) => store),
    ]),
  ],
  needs: (store) => [{ source: "probe", target: store }],
  judge: (state, store, atMs) => {
    const probe = state.probe?.[store];
    const pd = state.stores?.[store];
    const judged = judgeProbe(probe, store, atMs, {
      says: pd ? `; PD's last word is ${pd.state}` : "; PD doesn't list it",
      pointers: [
        ...(pd
          ? pointersTo("stores", store, "state", "leaderCount", "regionCount", "startedAtMs", "isBusy", "slowScore")
          : []),
        ...pointersTo("schedule", cluster, "evictLeader", "maxReplicas"),
      ],
    });
    if (judged.verdict !== "violated" || !pd) return judged;
    if (isLeaving(pd)) {
      const reason = `${store} doesn't answer, and is being decommissioned`;
      return { verdict: "ok", reason, value: pd.state, pointers: judged.pointers };
    }
    if (probe?.lastAnswerAtMs === undefined) {
      if (pd.lastHeartbeatMs === undefined) {
        return { verdict: "unknown", reason: `${store} is new: neither PD nor the probe has heard of it yet` };
      }
      if (pd.startedAtMs !== undefined && Math.abs(atMs - pd.startedAtMs) < startingMs) {
        return {
          verdict: "unknown",
          reason: `${store} was started a moment ago: it reports to PD, and hasn't answered yet`,
        };
      }
    }
    return judged;
  },
  left: storeLeft,
};

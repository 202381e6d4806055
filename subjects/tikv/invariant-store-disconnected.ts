import type { Invariant } from "@operator/subject/invariant";
import { doubtOfPd, pdWord, storeLeft, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

/** A store that has just come back reports to PD within 10 s (12.5 s measured after a start). */
const backMs = 20_000;
const lost = ["Disconnected", "Down"];

/** A store that answers reports to PD as well. */
export const storeDisconnected: Invariant<State> = {
  name: "store_disconnected",
  title: "Every store that answers is in touch with PD",
  severity: "warning",
  graceMs: 3_000,
  worstDetectionMs: 30_000,
  limit: "Up",
  why: "PD neither sees nor moves what a store that is cut off from it holds, and after 30 minutes makes new replicas of all of it. PD says so 20 s after the last heartbeat (the official PD_cluster_lost_connect_store_nums another minute later); 3 s are three readings, and more than store_down takes to be found, which would explain it. Within 20 s of a PD leader change, of the store's own return, or before its first heartbeat PD's word is history.",
  targets: (state) => storesOf(state).map(([store]) => store),
  needs: (store) => [{ source: "stores", target: store }, { source: "probe", target: store }, pdWord],
  judge: (state, store, atMs) => {
    const pd = state.stores?.[store];
    const probe = state.probe?.[store];
    if (!pd || !probe) return { verdict: "unknown", reason: `${store} was never read` };
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const pointers = [
      ...pointersTo("stores", store, "state", "lastHeartbeatMs", "leaderCount"),
      ...pointersTo("probe", store, "state", "sinceMs"),
      ...pointersTo("members", cluster, "leader", "leaderSinceMs"),
    ];
    if (!lost.includes(pd.state)) return { verdict: "ok", reason: `PD says ${pd.state}`, value: pd.state, pointers };
    if (probe.state !== "up")
      return { verdict: "unknown", reason: `${store} doesn't answer: store_down tells of that` };
    if (pd.lastHeartbeatMs === undefined) {
      return { verdict: "unknown", reason: `${store} is new: PD says ${pd.state} until its first heartbeat` };
    }
    const upMs = atMs - probe.sinceMs;
    if (upMs < backMs) {
      return {
        verdict: "unknown",
        reason: `${store} has answered for ${Math.floor(upMs / 1_000)} s: PD may not know yet`,
      };
    }
    const silentMs = Math.max(0, atMs - pd.lastHeartbeatMs);
    return {
      verdict: "violated",
      reason: `${store} answers, and PD says ${pd.state}: no heartbeat for ${Math.round(silentMs / 1_000)} s`,
      value: pd.state,
      detail: { kind: "state", value: pd.state, expected: "Up" },
      pointers,
    };
  },
  left: storeLeft,
};

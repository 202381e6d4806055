import type { Invariant } from "@operator/subject/invariant";
import { pointersTo } from "./invariant-pointers.ts";
import { leaderlessOf } from "./invariant-regions.ts";
import { doubtOfPd, pdWord, storesOf } from "./invariant-pd-word.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

/** Regions whose leader died have elected another one by then, where they could. */
const electedMs = 30_000;
const pointersMax = 10;

/** Most replicas of every region are on stores that answer. */
export const quorumLost: Invariant<State> = {
  name: "quorum_lost",
  title: "No region has lost its quorum",
  severity: "critical",
  graceMs: 3_000,
  worstDetectionMs: 40_000,
  limit: "a quorum",
  why: "A region of three replicas that lost two neither reads nor writes, and nobody but a person may say which replica is right. PD doesn't show it: its checks stay 0 and it names the old leaders. With fewer stores left than a quorum has replicas it's certain at once; with more it depends on where the replicas are, so then regions without a leader prove it, 30 s after the last death, when elections are over. 3 s is more than store_down takes to be found, which explains it. No official rule sees it.",
  targets: ({ stores }) => (stores ? [cluster] : []),
  needs: () => [pdWord],
  judge: (state, _, atMs, isFresh) => {
    const stores = storesOf(state).map(([store]) => store);
    const replicas = state.schedule?.[cluster]?.maxReplicas;
    if (stores.length === 0 || replicas === undefined) {
      return { verdict: "unknown", reason: "neither the stores nor how many replicas a region has were ever read" };
    }
    const quorum = Math.floor(replicas / 2) + 1;
    const seen = stores.filter((store) => isFresh("probe", store));
    const dead = seen.filter((store) => ["refused", "silent"].includes(state.probe?.[store]?.state ?? ""));
    const up = seen.filter((store) => state.probe?.[store]?.state === "up");
    const said = `${dead.length} of ${stores.length} stores don't answer; a quorum is ${quorum} of ${replicas} replicas`;
    const pointers = [
      ...pointersTo("schedule", cluster, "maxReplicas"),
      ...[...dead, ...up].slice(0, pointersMax).flatMap((store) => pointersTo("probe", store, "state")),
    ];
    const lost = (why: string) => ({
      verdict: "violated" as const,
      reason: `${said}: ${why}`,
      value: "lost",
      detail: { kind: "state" as const, value: "lost", expected: "a quorum" },
      pointers,
    });
    // Of the stores that hold a region's replicas at most these are dead.
    if (stores.length - dead.length < Math.min(quorum, stores.length)) return lost("no region can have one");
    if (stores.length - up.length <= replicas - quorum)
      return { verdict: "ok", reason: said, value: "a quorum", pointers };
    if (dead.length <= replicas - quorum)
      return { verdict: "unknown", reason: `${said}, and others aren't seen by the probe` };
    const diedAtMs = Math.max(...dead.map((store) => state.probe?.[store]?.sinceMs ?? 0));
    if (atMs - diedAtMs < electedMs) return { verdict: "unknown", reason: `${said}; elections may be under way` };
    const leaderless = doubtOfPd(state, atMs) ?? leaderlessOf(state);
    if (typeof leaderless === "string") return { verdict: "unknown", reason: `${said}; ${leaderless}` };
    if (leaderless.value > 0) return lost(`${leaderless.value} regions have no leader`);
    return { verdict: "ok", reason: `${said}, and every region has a leader`, value: "a quorum", pointers };
  },
};

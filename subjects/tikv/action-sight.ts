import type { ActionRefusal } from "@operator/subject/action";
import type { Need } from "@operator/subject/invariant";
import type { HotRegion, State } from "./state.ts";
import { cluster } from "./targets.ts";

/** PD calls a store slow from here on. */
const slowScoreMin = 80;
const replicasUnlessTold = 3;

/** What has to be seen of the cluster as a whole before anything is asked of PD: who leads it, and more. */
export function clusterNeeds(...sources: ("schedule" | "hot" | "operators")[]): Need[] {
  return ["members", ...sources].map((source) => ({ source, target: cluster }));
}

/** What has to be seen of a store as well. */
export function storeNeeds(store: string): Need[] {
  return [
    { source: "stores", target: store },
    { source: "probe", target: store },
  ];
}

/** Refused where PD has nobody who could carry it out. */
export function needsPdLeader({ members }: State): ActionRefusal | undefined {
  if (members?.[cluster]?.leader !== undefined) return undefined;
  return { code: "PD_NO_LEADER", message: "no PD member is known to lead now, so PD can't carry it out" };
}

/** The regions that the state tells something of: those with the most traffic. */
export function regionsSeen({ hot }: State): HotRegion[] {
  const { write = [], read = [] } = hot?.[cluster] ?? {};
  return [...new Map([...read, ...write].map((one) => [one.region, one])).values()];
}

/** Refused where PD does something with the region already: it would say no. */
export function needsIdleRegion({ operators }: State, region: string): ActionRefusal | undefined {
  const running = operators?.[cluster]?.running.find((one) => one.region === region);
  if (!running) return undefined;
  return { code: "OPERATOR_RUNNING", message: `${region} has the operator ${running.desc} (${running.brief}) already` };
}

/** Why a store can't lead as it is; undefined when it can. PD gives leaders to one that only began to start. */
export function unreadiness({ stores, probe }: State, store: string): string | undefined {
  const reading = stores?.[store];
  if (!reading) return "PD doesn't list it";
  if (reading.state !== "Up") return `PD says ${reading.state}`;
  // PD says `Up` for 20 s after a store died.
  if (probe?.[store]?.state !== "up") return probe?.[store] ? "it doesn't answer" : "it was never probed";
  return reading.isBusy ? "it's busy catching up" : undefined;
}

/** Why a store shouldn't be given leaders; undefined when nothing speaks against it. */
export function unfitness(state: State, store: string): string | undefined {
  const unready = unreadiness(state, store);
  if (unready !== undefined) return unready;
  const schedule = state.schedule?.[cluster];
  if (!schedule) return "whether it's drained isn't known now";
  if (schedule.evictLeader.includes(store)) return "an evict-leader scheduler keeps leaders off it";
  const slowScore = state.stores?.[store]?.slowScore;
  return slowScore !== undefined && slowScore >= slowScoreMin ? `its slow score is ${slowScore}` : undefined;
}

/** Refused where too few stores but this one are fit to lead: one more that fails, and regions lose their quorum. */
export function needsOtherStores(state: State, store: string): ActionRefusal | undefined {
  const replicas = state.schedule?.[cluster]?.maxReplicas ?? replicasUnlessTold;
  const othersMin = Math.floor(replicas / 2) + 1;
  const others = Object.keys(state.stores ?? {}).filter((one) => one !== store && !unfitness(state, one));
  if (others.length >= othersMin) return undefined;
  const message = `beside ${store} only ${others.join(", ") || "no store"} is fit to lead: at least ${othersMin} have to be, of ${replicas} replicas`;
  return { code: "TOO_FEW_STORES", message };
}

/**
 * What a slow source shows of an effect: that it's there. That it isn't there yet says nothing, as the reading may be older
 * than the effect.
 */
export function shown(isThere: boolean | undefined): true | undefined {
  return isThere === true ? true : undefined;
}

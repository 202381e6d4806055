import type { Invariant } from "@operator/subject/invariant";
import { doubtOfPd, isLeaving, pdWord, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State, StoreReading } from "./state.ts";
import { cluster } from "./targets.ts";

/** Fewer are a matter of chance. */
const spreadMin = 10;
/** Of the mean. */
const spreadShareMax = 0.5;
/** Of the regions that must have a leader in PD's eyes, before their spread can be judged. */
const ledShareMin = 0.9;

/** Leaders, and so the work, are spread over the stores that may lead. */
export const leaderImbalance: Invariant<State> = {
  name: "leader_imbalance",
  title: "Leaders are spread evenly over the stores",
  severity: "warning",
  graceMs: 330_000,
  worstDetectionMs: 345_000,
  limit: "the larger of 10 and half of the mean",
  unit: "leaders",
  why: "A store that leads more does more, and takes more with it when it dies. PD's own balance-leader scheduler keeps stores within a few leaders of each other; after a restart it needs a minute or more to bring them back. More than half of the mean apart, and at least 10, for five and a half minutes: longer than forgotten_evict_leader takes to be found, which would explain it. Stores that are kept from leading, leave, or aren't Up and answering aren't counted. For a minute after a PD leader change PD doesn't know who leads idle regions: unknown while it knows fewer than nine of ten. No official rule looks at it.",
  targets: ({ stores }) => (stores ? [cluster] : []),
  needs: () => [{ source: "schedule", target: cluster }, pdWord],
  judge: (state, _, atMs, isFresh) => {
    const schedule = state.schedule?.[cluster];
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    if (!schedule || schedule.maxReplicas === undefined || schedule.schedulers.length === 0) {
      return { verdict: "unknown", reason: "PD doesn't tell yet which stores may lead" };
    }
    const all = storesOf(state);
    const unseen = all.find(([store]) => !isFresh("stores", store) || !isFresh("probe", store))?.[0];
    if (unseen !== undefined) return { verdict: "unknown", reason: `what ${unseen} leads now isn't known` };
    const sum = (field: "leaderCount" | "regionCount") => all.reduce((sum, [, reading]) => sum + reading[field], 0);
    const regions = sum("regionCount") / schedule.maxReplicas;
    if (sum("leaderCount") < ledShareMin * regions) {
      return {
        verdict: "unknown",
        reason: `PD knows the leaders of ${sum("leaderCount")} of ${Math.round(regions)} regions`,
      };
    }
    const leading = all.filter(
      ([store, reading]) => !schedule.evictLeader.includes(store) && maySpread(state, store, reading),
    );
    if (leading.length < 2)
      return { verdict: "unknown", reason: `${leading.length} stores may lead: nothing to spread` };
    const byCount = leading.toSorted(([, a], [, b]) => a.leaderCount - b.leaderCount);
    const [least, most] = [byCount.at(0), byCount.at(-1)];
    if (!least || !most) return { verdict: "unknown", reason: "no store may lead" };
    const mean = leading.reduce((total, [, { leaderCount }]) => total + leaderCount, 0) / leading.length;
    const value = most[1].leaderCount - least[1].leaderCount;
    const limit = Math.max(spreadMin, Math.round(mean * spreadShareMax));
    const reason = `${most[0]} leads ${most[1].leaderCount} regions, ${least[0]} ${least[1].leaderCount}, the mean is ${mean.toFixed(1)}`;
    const pointers = [
      ...[most, least].flatMap(([store]) => [
        ...pointersTo("stores", store, "leaderCount", "slowScore"),
        ...pointersTo("probe", store, "state"),
      ]),
      ...pointersTo("stores", least[0], "availableBytes", "capacityBytes"),
      ...pointersTo("schedule", cluster, "leaderScheduleLimit", "schedulers", "paused", "evictLeader"),
    ];
    if (value <= limit) return { verdict: "ok", reason, value, pointers };
    const detail = { kind: "threshold" as const, value, limit, unit: "leaders" };
    return { verdict: "violated", reason, value, detail, pointers };
  },
};

function maySpread({ probe }: State, store: string, reading: StoreReading): boolean {
  return reading.state === "Up" && !isLeaving(reading) && probe?.[store]?.state === "up";
}

import type { Departure, Invariant } from "@operator/subject/invariant";
import { pointersTo } from "./invariant-pointers.ts";
import { doubtOfPd, pdWord } from "./invariant-pd-word.ts";
import type { HotReading, HotRegion, State } from "./state.ts";
import { cluster, regionIdOf } from "./targets.ts";

/** Half of the traffic of the busiest: as much as all the others that are listed together. */
const shareMin = 0.5;
/** Of a region's last heartbeat interval of 60 s: 500 keys, or 512 KiB, a second. */
const keysMin = 30_000;
const bytesMin = 30 * 1024 * 1024;
/** With fewer to compare it with, a region isn't hot, it's all there is. */
const regionsMin = 4;

const kinds = [
  { kind: "write", keys: "writtenKeys", bytes: "writtenBytes" },
  { kind: "read", keys: "readKeys", bytes: "readBytes" },
] as const;

interface Heat {
  kind: "write" | "read";
  /** Its place in the list. */
  at: number;
  region: HotRegion;
  /** Of the keys or bytes of the list, whichever is more, 0 to 1. */
  share: number;
  keys: number;
}

/** Regions that carry most of the traffic, as targets. */
export function hotRegionsOf(reading: Pick<HotReading, "write" | "read">): string[] {
  return [...new Set(heatsOf(reading).map(({ region }) => region.region))];
}

function heatsOf(reading: Pick<HotReading, "write" | "read">): Heat[] {
  return kinds.flatMap(({ kind, keys, bytes }) => {
    const list = reading[kind];
    if (list.length < regionsMin) return [];
    const sumOf = (field: keyof HotRegion & ("writtenKeys" | "readKeys" | "writtenBytes" | "readBytes")) =>
      Math.max(
        1,
        list.reduce((sum, region) => sum + region[field], 0),
      );
    const [allKeys, allBytes] = [sumOf(keys), sumOf(bytes)];
    return list.flatMap((region, at) => {
      const share = Math.max(region[keys] / allKeys, region[bytes] / allBytes);
      const isMuch = region[keys] >= keysMin || region[bytes] >= bytesMin;
      return isMuch && share >= shareMin ? [{ kind, at, region, share, keys: region[keys] }] : [];
    });
  });
}

/** It has been nowhere near hot for ten minutes: nothing is to be said of it any more. */
const cooled: Departure<State> = {
  needs: () => [{ source: "hot", target: cluster }],
  says: ({ hot }, region) => {
    const reading = hot?.[cluster];
    // It's asked of every target that any source reads: only a region leaves by not being busy.
    return regionIdOf(region) !== undefined && reading !== undefined && !named(reading).includes(region);
  },
};

function named(reading: HotReading): string[] {
  return [...new Set([...hotRegionsOf(reading), ...reading.lately])];
}

/** The load is spread over regions: one region is one Raft group, and one store's work. */
export const hotRegion: Invariant<State> = {
  name: "hot_region",
  title: "No region carries half of the traffic alone",
  severity: "warning",
  graceMs: 15_000,
  worstDetectionMs: 90_000,
  limit: shareMin * 100,
  unit: "%",
  why: "A region is led by one store, so a cluster can't do more of it than one store can. Half of what the eight busiest carry, and at least 500 keys or 512 KiB a second: less does no store harm, and a skew at rest isn't one. Read from /regions/writeflow, which shows it with the next region heartbeat (60 s), minutes before /hotspot does; 15 s are two readings. With fewer than four regions nothing is to be compared. No official alert rule looks at regions' load.",
  targets: ({ hot }) => {
    const reading = hot?.[cluster];
    return reading ? named(reading) : [];
  },
  needs: () => [{ source: "hot", target: cluster }, pdWord],
  judge: (state, target, atMs) => {
    const reading = state.hot?.[cluster];
    if (!reading) return { verdict: "unknown", reason: "the busiest regions were never read" };
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    const heat = heatsOf(reading).find(({ region }) => region.region === target);
    if (!heat) {
      return {
        verdict: "ok",
        reason: `${target} isn't hot by now`,
        value: 0,
        pointers: pointersTo("hot", cluster, "lately"),
      };
    }
    const { kind, at, region, keys } = heat;
    const value = Math.round(heat.share * 100);
    const did = kind === "write" ? "written" : "read";
    return {
      verdict: "violated",
      reason: `${target}${region.leader === undefined ? "" : `, led by ${region.leader},`} has ${value} % of what the busiest regions have ${did}: ${Math.round(keys / 60)} keys a second`,
      value,
      detail: { kind: "threshold", value, limit: shareMin * 100, unit: "%" },
      pointers: [
        ...["region", `${did}Keys`, `${did}Bytes`, "leader", "stores", "sizeMiB"].flatMap((field) =>
          pointersTo("hot", cluster, `${kind}/${at}/${field}`),
        ),
        ...(region.leader === undefined ? [] : pointersTo("prometheus", region.leader, "p99Ms", "cpuCores")),
        ...pointersTo("schedule", cluster, "evictLeader"),
        ...region.stores.slice(0, 1).flatMap((store) => pointersTo("stores", store, "state", "isBusy", "slowScore")),
        ...region.stores
          .slice(0, 4)
          .flatMap((store) => [...pointersTo("stores", store, "leaderCount"), ...pointersTo("probe", store, "state")]),
      ],
    };
  },
  left: cooled,
};

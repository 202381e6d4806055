import type { Invariant } from "@operator/subject/invariant";
import { doubtOfPd, pdWord, storeLeft, storesOf } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

const usedPercentMax = 70;

/** Every store has room. What counts is what's left on its disk, whoever took the rest. */
export const lowDiskSpace: Invariant<State> = {
  name: "low_disk_space",
  title: `No disk is more than ${usedPercentMax} % full`,
  severity: "warning",
  graceMs: 10_000,
  worstDetectionMs: 25_000,
  limit: usedPercentMax,
  unit: "%",
  why: "From 80 % on PD gives a store no new replicas (and not even then below 100 regions with 8 GiB left), and a full one refuses to lead and to write, while its state stays Up and no field of PD tells: 70 % leaves time to add room. When one of three stores has died, its share goes to the others. Sizes come with the store's heartbeat, every 10 s, rounded. The official TiKV_low_space and TiKV_space_used_more_than_80% come at 80 %, for a minute.",
  targets: (state) => storesOf(state).map(([store]) => store),
  needs: (store) => [{ source: "stores", target: store }, pdWord],
  judge: (state, store, atMs) => {
    const { capacityBytes = 0, availableBytes } = state.stores?.[store] ?? {};
    const doubt = doubtOfPd(state, atMs);
    if (doubt !== undefined) return { verdict: "unknown", reason: doubt };
    // A new store has 0 B of both until its first heartbeat.
    if (capacityBytes <= 0 || availableBytes === undefined) {
      return { verdict: "unknown", reason: `${store} hasn't told how large its disk is` };
    }
    const value = Math.round(1_000 * Math.max(0, 1 - availableBytes / capacityBytes)) / 10;
    const pointers = [
      ...pointersTo("stores", store, "availableBytes", "capacityBytes", "usedBytes"),
      ...pointersTo("schedule", cluster, "lowSpaceRatio", "highSpaceRatio", "maxReplicas"),
    ];
    const reason = `the disk of ${store} is ${value} % full: ${gib(availableBytes)} of ${gib(capacityBytes)} are left`;
    if (value <= usedPercentMax) return { verdict: "ok", reason, value, pointers };
    const detail = { kind: "threshold" as const, value, limit: usedPercentMax, unit: "%" };
    return { verdict: "violated", reason, value, detail, pointers };
  },
  left: storeLeft,
};

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toPrecision(3)} GiB`;
}

import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import type { Sight } from "./playbook-sight.ts";

const listMax = 8;

export interface Heat {
  region: TargetName;
  leader: TargetName;
  kind: "write" | "read";
  keys: number;
  sizeMiB: number | undefined;
  evidence: EvidenceId[];
}

/** The region that carries most of the traffic, if one does; of this store, when one is named. */
export function hottestOf(sight: Sight, store?: string): Heat | undefined {
  const lately = sight.list("hot", sight.cluster, "lately") ?? [];
  return lately
    .flatMap((region) => heatOf(sight, region) ?? [])
    .find(({ leader }) => store === undefined || leader === store);
}

/** What the lists of the busiest say of a region; undefined when it isn't among them, or nobody is known to lead it. */
export function heatOf(sight: Sight, name: string): Heat | undefined {
  const heats = (["write", "read"] as const).flatMap((kind): Heat[] => {
    for (let at = 0; at < listMax; at += 1) {
      const place = (field: string) => ["hot", sight.cluster, kind, String(at), field] as const;
      if (sight.text(...place("region")) !== name) continue;
      const region = sight.named(name);
      const leader = sight.named(sight.text(...place("leader")));
      if (!region || !leader) return [];
      const did = kind === "write" ? "writtenKeys" : "readKeys";
      const evidence = [
        ...sight.cite(`its place among the busiest by ${kind}s is ${at + 1}`, ...place("region")),
        ...sight.cite("who leads it", ...place("leader")),
        ...sight.cite(`keys in its last minute`, ...place(did)),
        ...sight.cite("its size in MiB", ...place("sizeMiB")),
      ];
      const keys = sight.number(...place(did)) ?? 0;
      return [{ region, leader, kind, keys, sizeMiB: sight.number(...place("sizeMiB")), evidence }];
    }
    return [];
  });
  return heats.toSorted((a, b) => b.keys - a.keys)[0];
}

import type { Answer } from "@operator/contracts/diagnosis";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, looking, notBorneOut, type Proposal } from "./playbook-finding.ts";
import type { Sight } from "./playbook-sight.ts";

const usedPercentMax = 70;
/** With so much left on another store there's somewhere to go. */
const roomyPercentMax = 60;
/** What `set_low_space_threshold` takes at most. */
const thresholdMax = 95;

/** A disk fills up: with TiKV's data or with something else, this store's alone or everybody's. */
export function lowDiskSpace(sight: Sight): Answer {
  const { file, citations, target: store } = sight;
  const used = usedPercentOf(sight, store);
  const own = [
    ...sight.cite(`bytes left on the disk of ${store}`, "stores", store, "availableBytes"),
    ...sight.cite("bytes that the disk has", "stores", store, "capacityBytes"),
    ...sight.cite("bytes of them that TiKV's data takes", "stores", store, "usedBytes"),
  ];
  if (used === undefined) {
    return notKnown(file, citations, `no snapshot shows how full ${store} is`, ["what PD says of its stores"]);
  }
  if (used <= usedPercentMax) return notBorneOut(sight, own, `${store} has room`);
  const others = sight.stores(store);
  const roomy = others.filter((other) => (usedPercentOf(sight, other) ?? 100) < roomyPercentMax);
  const rooms = others
    .slice(0, 4)
    .flatMap((other) => sight.cite(`bytes left on the disk of ${other}`, "stores", other, "availableBytes"));
  const foreign = foreignPercentOf(sight, store);
  const isForeign = foreign !== undefined && foreign > used / 2;
  return faultOf(sight, {
    headline: `The disk of ${store} is ${Math.round(used)} % full${isForeign ? `, and most of that isn't TiKV's` : ""}${roomy.length === 0 && others.length > 0 ? "; no other store has much room either" : ""}`,
    causes: [
      {
        category: "overloaded",
        target: store,
        mechanism: `${isForeign ? `Of what is taken TiKV's data is less than half: something else fills the disk of ${store}.` : `TiKV's data fills the disk of ${store}.`} From 80 % on PD places no new replicas there. Once 5 % or 5 GB are left it refuses to lead and then to write, while its state stays Up and PD shows nothing.`,
        evidence: [...own, ...rooms],
      },
    ],
    confidence: 0.9,
    alternatives: [
      {
        cause: { category: "misconfigured", target: store },
        whyRejected:
          "Not excluded where a limit is set on how much it may use: then its capacity is smaller than its disk. Compare raftstore.capacity with the disk itself.",
        for: own.slice(1, 2),
        against: [],
      },
      {
        cause: { category: "diverged", target: sight.cluster },
        whyRejected:
          roomy.length > 0
            ? "Not excluded: other stores have room, so regions may be badly spread; with as many stores as replicas every store has all of them."
            : "No other store has much room, so it isn't the spread.",
        for: roomy.length > 0 ? rooms : [],
        against: roomy.length > 0 ? [] : rooms,
      },
    ],
    options: [
      {
        title: isForeign ? `Remove what else is on the disk of ${store}` : "Add room",
        steps: isForeign
          ? ["on its host: du -x, by folder; logs, old backups and core dumps first"]
          : [
              "a larger disk, or another store: PD moves regions to it by itself",
              "look for data that nobody needs any more",
            ],
        risk: "low",
        riskWhy: "TiKV's own data isn't touched.",
        recommended: true,
        why: "Nothing else makes room.",
      },
      looking(
        "Watch how fast it fills",
        ["available bytes over the last day: how long until 5 %?"],
        "That tells how urgent it is.",
        false,
      ),
    ],
    proposals: thresholdOf(sight, used, roomy.length),
    missing: ["how fast it fills", "what else is on this disk"],
  });
}

/** Below PD's own threshold, and with stores to spare, PD can be told to give it nothing more from here on. */
function thresholdOf(sight: Sight, used: number, roomy: number): Proposal[] {
  const low = sight.number("schedule", sight.cluster, "lowSpaceRatio");
  const high = sight.number("schedule", sight.cluster, "highSpaceRatio");
  const replicas = sight.number("schedule", sight.cluster, "maxReplicas");
  if (low === undefined || high === undefined || replicas === undefined) return [];
  const percent = Math.max(Math.floor(used), Math.floor(high * 100) + 1);
  if (roomy === 0 || sight.stores().length <= replicas || percent >= low * 100 || percent > thresholdMax) return [];
  const why = `PD gives stores replicas until ${Math.round(low * 100)} %; at ${percent} % this one is given no more, and others have room`;
  return [{ action: "set_low_space_threshold", target: sight.cluster, parameters: { percent }, why }];
}

function usedPercentOf(sight: Sight, store: string): number | undefined {
  const capacity = sight.number("stores", store, "capacityBytes") ?? 0;
  const available = sight.number("stores", store, "availableBytes");
  return available === undefined || capacity <= 0 ? undefined : 100 * Math.max(0, 1 - available / capacity);
}

function foreignPercentOf(sight: Sight, store: string): number | undefined {
  const capacity = sight.number("stores", store, "capacityBytes") ?? 0;
  const own = sight.number("stores", store, "usedBytes");
  const used = usedPercentOf(sight, store);
  return own === undefined || used === undefined || capacity <= 0 ? undefined : used - (100 * own) / capacity;
}

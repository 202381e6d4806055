import type { Answer } from "@operator/contracts/diagnosis";
import type { TargetName } from "@operator/contracts/names";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, notBorneOut, type Option, type Proposal } from "./playbook-finding.ts";
import { type Heat, heatOf } from "./playbook-heat.ts";
import type { Sight } from "./playbook-sight.ts";
import { regionIdOf } from "./targets.ts";

/** PD's sizes are whole MiB: of less there's nothing to halve. */
const sizeMiBMin = 2;
const p99MsMax = 100;

/** One region has most of the traffic. */
export function hotRegion(sight: Sight): Answer {
  const { file, citations, target } = sight;
  const heat = heatOf(sight, target);
  if (!heat) {
    const busiest = (["write", "read"] as const).flatMap((kind) =>
      sight.cite(`the region with the most ${kind}s`, "hot", sight.cluster, kind, "0", "region"),
    );
    return busiest.length > 0
      ? notBorneOut(sight, busiest, `${target} isn't among the busiest`)
      : notKnown(file, citations, `no snapshot shows who leads ${target} and what it carries`, ["the busiest regions"]);
  }
  const { leader, kind, evidence } = heat;
  const p99Ms = sight.number("prometheus", leader, "p99Ms");
  const strain = [
    ...sight.cite(`99 of 100 requests of ${leader} took less than these milliseconds`, "prometheus", leader, "p99Ms"),
    ...sight.cite(`processor cores that ${leader} uses`, "prometheus", leader, "cpuCores"),
  ];
  const isStrained = p99Ms !== undefined && p99Ms > p99MsMax;
  const to = isStrained ? quietest(sight, heat) : undefined;
  const isLarge = (heat.sizeMiB ?? 0) >= sizeMiBMin;
  const perS = Math.round(heat.keys / 60);
  return faultOf(sight, {
    headline: `${target} has most of the ${kind}s, ${perS} keys a second, all at ${leader}`,
    causes: [
      {
        category: "overloaded",
        target,
        mechanism: `Clients ask for keys of one range, and a range is one region, led by one store: ${leader} does all of it, however many stores there are${isStrained ? ", and is slow by now" : ""}. ${kind === "write" ? "TiKV splits a region by load for reads only, and by size." : "TiKV splits a region by load when it's asked for many different keys."} PD's own list of hot regions shows it minutes later.`,
        evidence: [...evidence, ...strain],
      },
    ],
    confidence: 0.85,
    alternatives: [
      {
        cause: { category: "misconfigured", target: sight.cluster },
        whyRejected: "Leaders that are badly spread make one store busy, not one region: here one region carries it.",
        for: [],
        against: evidence.slice(0, 3),
      },
      {
        cause: { category: "overloaded", target: leader },
        whyRejected: isStrained
          ? `${leader} is slow because of it: most of what is done there is done for this region.`
          : `${leader} isn't slow: 99 of 100 of its requests are quick.`,
        for: isStrained ? strain : [],
        against: isStrained ? evidence.slice(0, 1) : strain,
      },
    ],
    options: optionsFor(heat, isLarge, to),
    proposals: proposalsFor(heat, isLarge, to),
    verify: [`${target} carries less than half of what the busiest regions do, with its next heartbeats (60 s).`],
    missing: ["which keys are asked for, and by which client"],
  });
}

function optionsFor({ region, leader }: Heat, isLarge: boolean, to: TargetName | undefined): Option[] {
  return [
    {
      title: `Split ${region}`,
      steps: [
        "the action split_region halves it about in the middle of its data; PD can then put the halves on different stores",
      ],
      risk: "low",
      riskWhy: "No data moves. PD merges small neighbours an hour later.",
      recommended: isLarge,
      why: isLarge
        ? "It helps where the load goes to many keys of the range, and harms nobody where it doesn't."
        : "It's too small to be halved.",
    },
    ...(to === undefined
      ? []
      : [
          {
            title: `Have ${to} lead ${region}`,
            steps: [`the action transfer_leader moves its leader from ${leader} to ${to}`],
            risk: "low" as const,
            riskWhy: `${to} then does the work instead.`,
            recommended: false,
            why: `It frees what else ${leader} leads, and mends nothing of the region itself.`,
          },
        ]),
    {
      title: "Change what clients write or read",
      steps: ["spread the keys (a hash before a counter or a time), or cache what is read again and again"],
      risk: "none",
      riskWhy: "Nothing changes at the cluster.",
      recommended: !isLarge,
      why: "A few keys stay together in one region, however often it's split.",
    },
  ];
}

function proposalsFor({ region, leader }: Heat, isLarge: boolean, to: TargetName | undefined): Proposal[] {
  const regionId = regionIdOf(region) ?? "";
  return [
    ...(isLarge
      ? [
          {
            action: "split_region",
            target: region,
            parameters: {},
            why: "it has most of the traffic, and enough data to be halved",
          },
        ]
      : []),
    ...(to === undefined
      ? []
      : [
          {
            action: "transfer_leader",
            target: region,
            parameters: { regionId, toStore: to },
            why: `${leader} is slow, and ${to} has a replica and the fewest leaders`,
          },
        ]),
  ];
}

/** Of the stores that are fit to lead and hold a replica, the one that leads least. */
function quietest(sight: Sight, { leader, region, kind }: Heat): TargetName | undefined {
  const listed = Array.from({ length: 8 }, (_, at) => String(at)).find(
    (at) => sight.text("hot", sight.cluster, kind, at, "region") === region,
  );
  const holders = listed === undefined ? [] : (sight.list("hot", sight.cluster, kind, listed, "stores") ?? []);
  const leadersOf = (store: string) => sight.number("stores", store, "leaderCount") ?? Infinity;
  return sight
    .stores(leader)
    .filter((store) => holders.includes(store) && sight.isUp(store) && !sight.isUnfitToLead(store))
    .toSorted((a, b) => leadersOf(a) - leadersOf(b))[0];
}

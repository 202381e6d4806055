import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, notBorneOut } from "./playbook-finding.ts";
import { failureOf, timelineOf } from "./playbook-member.ts";
import type { Sight } from "./playbook-sight.ts";

const causesMax = 4;

/** Fewer stores answer than a quorum needs. */
export function quorumLost(sight: Sight): Answer {
  const dead = sight.stores().filter((store) => sight.isDown(store));
  const replicas = sight.cite("how many replicas a region has", "schedule", sight.cluster, "maxReplicas");
  if (dead.length < 2) {
    const up = sight.citeUp(sight.stores());
    if (up.length === 0) return nothingShown(sight);
    return notBorneOut(
      sight,
      [...replicas, ...up],
      `${dead.length} stores don't answer, which takes no quorum of three`,
    );
  }
  return lostWith(sight, dead, replicas, {
    headline: `Regions have lost their quorum: ${dead.slice(0, 3).join(" and ")} ${dead.length > 3 ? "and others " : ""}don't answer`,
    impact:
      "A region with most of its replicas there neither reads nor writes, and elects nobody. PD doesn't show it: its checks stay 0, and it goes on naming the old leaders.",
  });
}

/** Regions that nobody leads. */
export function leaderlessRegions(sight: Sight): Answer {
  const { file, citations } = sight;
  const counted = [
    ...sight.cite("regions that PD counts", "prometheus", sight.cluster, "regionCount"),
    ...sight
      .stores()
      .slice(0, 8)
      .flatMap((store) => sight.cite(`regions that ${store} itself says it leads`, "prometheus", store, "leaders")),
  ];
  if (counted.length === 0) return nothingShown(sight);
  const { detail } = file.violation;
  const value = detail.kind === "threshold" ? detail.value : 0;
  const dead = sight.stores().filter((store) => sight.isDown(store));
  if (dead.length > 0) {
    return lostWith(sight, dead, counted, {
      headline: `${value} regions have no leader: ${dead.slice(0, 3).join(" and ")} ${dead.length === 1 ? "doesn't" : "don't"} answer`,
      impact:
        dead.length === 1
          ? "Its regions elect other leaders within 20 s; those that still have none after 30 s have lost another replica before."
          : "Regions with most of their replicas there can't elect anybody.",
    });
  }
  return notKnown(file, citations, `${value} regions are led by no store though every store answers`, [
    "which regions they are: PD goes on naming their old leaders",
    "the stores' logs: starting a new election, became candidate, broadcasting unreachable",
    "whether the stores reach each other",
  ]);
}

function lostWith(
  sight: Sight,
  dead: TargetName[],
  counted: EvidenceId[],
  told: { headline: string; impact: string },
): Answer {
  const failures = dead.slice(0, causesMax).flatMap((store) => {
    const failure = failureOf(sight, store);
    return failure ? [{ store, failure }] : [];
  });
  const [first] = failures;
  const up = sight.citeUp(sight.stores());
  return faultOf(sight, {
    headline: told.headline,
    causes: failures.map(({ store, failure }, at) => ({
      category: failure.category,
      target: store,
      mechanism: at === 0 ? `${failure.mechanism} ${told.impact}` : failure.mechanism,
      evidence: [...failure.evidence, ...counted],
    })),
    confidence: Math.min(0.9, ...failures.map(({ failure }) => failure.confidence)),
    timeline: first ? timelineOf(sight, first.store) : [],
    alternatives: [
      {
        cause: { category: "observation", target: sight.cluster },
        whyRejected:
          up.length > 0
            ? "Others answer the same observer at the same time, so it sees well."
            : "Not excluded: nothing else is seen to answer either.",
        for: [],
        against: up,
      },
      ...(first?.failure.alternatives ?? []),
    ],
    options: [
      {
        title: `Bring ${failures.map(({ store }) => store).join(" and ")} back, any one of them first`,
        steps: [
          "look at why they ended together: what they share, a host, a rack, a power supply, a release",
          "start the processes on their own data folders; with the first one back most regions have their quorum again",
        ],
        risk: "low",
        riskWhy: "They have every write that was acknowledged; nothing is decided anew.",
        recommended: true,
        why: "It's the only way that loses nothing.",
      },
      {
        title: "Give up what is on the dead stores (online unsafe recovery)",
        steps: ["only when their disks are gone for good: pd-ctl unsafe remove-failed-stores, by a person"],
        risk: "high",
        riskWhy: "What the replicas that are left haven't got is lost, and nobody can tell what that was.",
        recommended: false,
        why: "The last resort. The operator never proposes it.",
      },
    ],
    verify: ["The sum of the regions that the stores lead is the number of regions again (about 20 s after a start)."],
    missing: [...(first?.failure.missing ?? []), "which regions have lost their quorum: PD doesn't tell"],
  });
}

function nothingShown({ file, citations }: Sight): Answer {
  return notKnown(file, citations, "no snapshot shows which stores answered", ["the probes of the stores"]);
}

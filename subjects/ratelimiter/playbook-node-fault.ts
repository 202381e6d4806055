import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { answerOf, earlierOf, type Finding, howItClears, recoveryOf } from "@operator/evidence/answer";
import { nodeOptions } from "./playbook-node-options.ts";
import type { Sight } from "./playbook-sight.ts";

type Told = Pick<Finding, "headline" | "confidence" | "alternatives" | "missing" | "proposals"> & {
  category: Answer["rootCauses"][number]["category"];
  mechanism: string;
};

/** A fault at the node that the ticket is about, as a whole answer. */
export function faultOfNode(sight: Sight, grounds: EvidenceId[], told: Told): Answer {
  const { file, citations } = sight;
  const { category, mechanism, ...finding } = told;
  const node = file.violation.target;
  const recovered = recoveryOf(file);
  const back = recovered ? ` It answers again by now.` : "";
  return answerOf(file, citations, {
    ...finding,
    verdict: "fault",
    headline: `${finding.headline}${recovered ? "; it answers again by now" : ""}`,
    rootCauses: [{ category, target: node, mechanism: `${mechanism}${back}${earlierOf(file)}`, evidence: grounds }],
    timeline: timelineOf(sight),
    options: nodeOptions(sight, category, recovered !== undefined),
    // What answers again needs nothing done to it.
    proposals: recovered ? [] : (finding.proposals ?? []),
    verify: [howItClears(file), `GET /livez of ${node} answers 200.`],
  });
}

/** For a node that has ended: whoever approves it knows that nobody ended it for a reason. */
export function restartOf(node: TargetName): Answer["proposals"][number] {
  return {
    action: "restart_node",
    target: node,
    parameters: {},
    why: `${node} has ended without leaving, and nothing else starts it; its counts are in Redis, so it keeps nothing of its own`,
  };
}

/** Not the node but the network to it, and what speaks against that. */
export function networkAlternative(
  sight: Sight,
  whyRejected: string,
  more: EvidenceId[] = [],
): Answer["alternatives"][number] {
  const node = sight.file.violation.target;
  const others = [...sight.otherNodes(node), sight.redis];
  return {
    cause: { category: "unreachable", target: node },
    whyRejected,
    for: [],
    against: [
      ...more,
      ...sight.citeProbes(others, "up", (other) => `${other} answers the same observer at the same time`),
    ],
  };
}

/** Not the node but the Redis that it needs. */
export function redisAlternative(sight: Sight): Answer["alternatives"][number] {
  const up = sight.probe("redis") === "up";
  return {
    cause: { category: "crashed", target: sight.redis },
    whyRejected: up
      ? "Redis answers. And a node without Redis still answers the probe, which doesn't need Redis."
      : "A node without Redis still answers the probe, which doesn't need Redis.",
    for: [],
    against: up ? sight.citeProbe("redis", "Redis answers") : [],
  };
}

function timelineOf(sight: Sight): NonNullable<Finding["timeline"]> {
  const node = sight.file.violation.target;
  const { citations } = sight;
  const lastAnswerAtMs = sight.number("parts", "probe", node, "lastAnswerAtMs");
  const sinceMs = sight.number("parts", "probe", node, "sinceMs");
  return [
    ...(lastAnswerAtMs === undefined
      ? []
      : [
          {
            atMs: lastAnswerAtMs,
            what: `${node} answers for the last time.`,
            evidence: citations.cite("its last answer", "first_bad", "parts", "probe", node, "lastAnswerAtMs"),
          },
        ]),
    ...(sinceMs === undefined
      ? []
      : [
          {
            atMs: sinceMs,
            what: `It is established that ${node} doesn't answer.`,
            evidence: citations.cite("since when it doesn't answer", "first_bad", "parts", "probe", node, "sinceMs"),
          },
        ]),
  ];
}

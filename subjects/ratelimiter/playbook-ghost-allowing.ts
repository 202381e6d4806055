import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { answerOf, earlierOf, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { nothingBroken } from "./playbook-counters.ts";
import { redisDisconnected } from "./playbook-redis-disconnected.ts";
import { redisFault } from "./playbook-redis-down.ts";
import type { Sight } from "./playbook-sight.ts";

/** A node admits what nobody counts: without Redis, or in another one. */
export function ghostAllowing(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const failsOpen = sight.number("parts", "metrics", node, "byFailOpenPerS");
  const allowed = sight.number("parts", "metrics", node, "allowedPerS");
  if (failsOpen === undefined || allowed === undefined) {
    return notKnown(file, citations, `no snapshot shows what ${node} admits`, [`the metrics of ${node}`]);
  }
  const redis = sight.probe("redis");
  if (redis === "refused" || redis === "silent") return redisFault(sight, citeAllowed(sight, node));
  if (sight.flag("parts", "metrics", node, "redisConnected") === false) return redisDisconnected(sight);
  const ghost = ghostsOf(sight).find((one) => one.node === node);
  if (ghost) return countsElsewhere(sight, ghost.evidence);
  if (failsOpen > 0) {
    return notKnown(file, citations, `${node} says that it reaches Redis, and yet admits by its failure policy`, [
      `the errors that ${node} logged for its Redis commands`,
    ]);
  }
  return nothingBroken(sight, citeAllowed(sight, node), `${node} is registered, and Redis counts what it admits`);
}

/** Nodes that admit while the register has no heartbeat of them, with what shows it. */
function ghostsOf(sight: Sight): { node: TargetName; evidence: EvidenceId[] }[] {
  const members = sight.citations.value("first_bad", "parts", "registry", "cluster", "members");
  if (!Array.isArray(members)) return [];
  return sight.otherNodes("").flatMap((node) => {
    const isPresent = sight.flag("parts", "registry", "cluster", "nodes", node, "present");
    const allowed = sight.number("parts", "metrics", node, "allowedPerS") ?? 0;
    if (allowed <= 0 || (members.includes(node) && isPresent !== false)) return [];
    const entry = members.includes(node) ? ["nodes", node, "present"] : ["members"];
    return [
      {
        node,
        evidence: [
          ...citeAllowed(sight, node),
          ...sight.citations.cite(
            `the register has no heartbeat of ${node}`,
            "first_bad",
            "parts",
            "registry",
            "cluster",
            ...entry,
          ),
        ],
      },
    ];
  });
}

function countsElsewhere(sight: Sight, evidence: EvidenceId[]): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const up = sight.citeProbe(node, `${node} answers`);
  const connected = citations.cite(
    `${node} says that its commands to Redis succeed`,
    "first_bad",
    "parts",
    "metrics",
    node,
    "redisConnected",
  );
  const recovered = recoveryOf(file) !== undefined;
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `${node} admits, and the register doesn't know of it: it counts in another Redis${recovered ? "; it is registered again by now" : ""}`,
    rootCauses: [
      {
        category: "misconfigured",
        target: node,
        mechanism: `${node} reaches a Redis and renews its place there every second, but not in the one that is watched: its address of Redis is another's, or leads elsewhere. Each key has its limit once in each of them.${earlierOf(file)}`,
        evidence: [...evidence, ...connected],
      },
    ],
    confidence: connected.length > 0 ? 0.8 : 0.6,
    alternatives: [
      {
        cause: { category: "crashed", target: node },
        whyRejected: "It answers and decides: only its heartbeat isn't here.",
        for: [],
        against: [...up, ...evidence],
      },
      {
        cause: { category: "unreachable", target: node },
        whyRejected: "A node that can't reach any Redis says so, and admits by its failure policy.",
        for: [],
        against: connected,
      },
    ],
    options: [
      {
        title: `Take ${node} out of service`,
        steps: [
          `have ${node} drain, which the action drain_node does`,
          `compare the Redis address of ${node} with another node's`,
        ],
        risk: "medium",
        riskWhy: "The others carry its load; two of them have to stay.",
        recommended: !recovered,
        why: "As long as it decides, no limit holds.",
      },
      {
        title: "Wait",
        steps: [`send no traffic to ${node} meanwhile`],
        risk: recovered ? "none" : "high",
        riskWhy: recovered ? "It is counted again." : "Every key is admitted up to twice its limit.",
        recommended: recovered,
        why: recovered ? "What is left is to find out why." : "Only if nothing asks it.",
      },
    ],
    proposals: recovered
      ? []
      : [{ action: "drain_node", target: node, parameters: {}, why: `${node} admits what this Redis doesn't count` }],
    verify: [howItClears(file), `The register has a heartbeat of ${node}, or lists that it left.`],
    missing: [`which Redis ${node} is configured for`],
  });
}

function citeAllowed(sight: Sight, node: string): EvidenceId[] {
  return sight.citations.cite(`how many ${node} admits a second`, "first_bad", "parts", "metrics", node, "allowedPerS");
}

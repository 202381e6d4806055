import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { answerOf, earlierOf, type Finding, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { redisFault } from "./playbook-redis-down.ts";
import type { Sight } from "./playbook-sight.ts";

/** A node says that it has lost Redis: its own path is lost, or Redis is. */
export function redisDisconnected(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const connected = sight.flag("parts", "metrics", node, "redisConnected");
  const own = citeConnected(sight, node, `${node} itself says whether its commands to Redis succeed`);
  if (connected === undefined) {
    return notKnown(file, citations, `no snapshot shows what ${node} says of its Redis`, [`the metrics of ${node}`]);
  }
  if (connected) {
    return answerOf(file, citations, {
      verdict: "no_fault",
      headline: `${node} has Redis: the evidence doesn't bear out that it lost it`,
      rootCauses: [
        { category: "none", target: node, mechanism: "The snapshot cited shows it connected.", evidence: own },
      ],
      confidence: 0.7,
      alternatives: [],
      options: optionsOf(node, true),
      verify: [howItClears(file)],
      missing: ["why the checker said otherwise"],
    });
  }
  const redis = sight.probe("redis");
  if (redis === "refused" || redis === "silent") return redisFault(sight, own);
  const others = sight.otherNodes(node);
  const alsoLost = others.filter((other) => sight.flag("parts", "metrics", other, "redisConnected") === false);
  const stillHave = others.filter((other) => sight.flag("parts", "metrics", other, "redisConnected") === true);
  const redisUp = sight.citeProbe("redis", "Redis answers the observer");
  const haveIt = stillHave.slice(0, 5).flatMap((other) => citeConnected(sight, other, `${other} has Redis`));
  const lostIt = alsoLost.slice(0, 5).flatMap((other) => citeConnected(sight, other, `${other} has lost Redis too`));
  if (redis === undefined && stillHave.length === 0) {
    return notKnown(file, citations, `nothing shows whether Redis itself answers, to ${node} or to anyone`, [
      "the probe of redis",
      "the metrics of the other nodes",
    ]);
  }
  // One alone: its own path. All that can be seen: what they share.
  return alsoLost.length > 0 && stillHave.length === 0
    ? redisRefusesNodes(sight, own, lostIt, redisUp)
    : nodeCutOff(sight, own, haveIt, redisUp);
}

function nodeCutOff(sight: Sight, own: EvidenceId[], haveIt: EvidenceId[], redisUp: EvidenceId[]): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const nodeUp = sight.citeProbe(node, `${node} itself answers`);
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `${node} can't reach Redis, which is up${recovered(sight)}`,
    rootCauses: [
      {
        category: "unreachable",
        target: node,
        mechanism: `Commands of ${node} to Redis fail while Redis answers others: what is lost lies between these two, the network, ${node}'s connections or its credentials. Meanwhile ${node} decides by its failure policy, not by the counts.${earlierOf(file)}`,
        evidence: [...own, ...redisUp, ...haveIt, ...nodeUp],
      },
    ],
    confidence: haveIt.length > 0 ? 0.85 : 0.65,
    alternatives: [
      {
        cause: { category: "crashed", target: sight.redis },
        whyRejected: "Redis answers others at the same time, so it is there.",
        for: own,
        against: [...redisUp, ...haveIt],
      },
      {
        cause: { category: "hung", target: node },
        whyRejected:
          nodeUp.length > 0
            ? `${node} answers and reports its metrics, so it does its work.`
            : `${node} reports its metrics, so it does its work.`,
        for: [],
        against: nodeUp.length > 0 ? nodeUp : own,
      },
    ],
    options: optionsOf(node, recoveryOf(file) !== undefined),
    verify: [
      howItClears(file),
      `The metrics of ${node} say redis_connected 1, and its decisions are made by Redis again.`,
    ],
    missing: [`the errors that ${node} logged for its Redis commands: refused, timed out, or not allowed`],
  });
}

function redisRefusesNodes(sight: Sight, own: EvidenceId[], lostIt: EvidenceId[], redisUp: EvidenceId[]): Answer {
  const { file, citations } = sight;
  const loading = citations.cite("Redis is still reading its data", "first_bad", "parts", "redis", "redis", "loading");
  const isLoading = sight.flag("parts", "redis", "redis", "loading") === true;
  const clients = citations.cite(
    "how many clients Redis has",
    "first_bad",
    "parts",
    "redis",
    "redis",
    "connectedClients",
  );
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `No node can use Redis, though it answers the observer${recovered(sight)}`,
    rootCauses: [
      {
        category: isLoading ? "crashed" : "unreachable",
        target: sight.redis,
        mechanism: isLoading
          ? `Redis was started again and is still reading its data; until then it answers no other command.${earlierOf(file)}`
          : `Every node that is seen has lost Redis at once while the observer still gets answers: what they share is to blame, their network to Redis or what Redis allows them (clients, credentials, memory).${earlierOf(file)}`,
        evidence: [...redisUp, ...own, ...lostIt, ...(isLoading ? loading : clients)],
      },
    ],
    confidence: isLoading ? 0.9 : 0.5,
    alternatives: [
      {
        cause: { category: "unreachable", target: file.violation.target },
        whyRejected: "Other nodes have lost Redis too; it isn't one node's own path.",
        for: own,
        against: lostIt,
      },
      {
        cause: { category: "hung", target: sight.redis },
        whyRejected: "A Redis that hangs answers nobody; this one answers the observer.",
        for: [],
        against: redisUp,
      },
    ],
    options: [
      {
        title: isLoading ? "Wait until Redis has read its data" : "Look at what Redis allows",
        steps: isLoading
          ? ["watch INFO persistence: loading and its progress"]
          : ["on Redis: INFO clients, CONFIG GET maxclients, ACL LOG", "from a node's host: connect to Redis by hand"],
        risk: "none",
        riskWhy: "It only reads.",
        recommended: true,
        why: isLoading ? "It comes back by itself with every count." : "What it refuses, and to whom, tells the cause.",
      },
    ],
    verify: [howItClears(file), "Every node's metrics say redis_connected 1."],
    missing: ["the errors that the nodes logged for their Redis commands"],
  });
}

function citeConnected(sight: Sight, node: TargetName, shows: string): EvidenceId[] {
  return sight.citations.cite(shows, "first_bad", "parts", "metrics", node, "redisConnected");
}

function recovered({ file }: Sight): string {
  return recoveryOf(file) ? "; it is well again by now" : "";
}

function optionsOf(node: string, isWell: boolean): Finding["options"] {
  return [
    {
      title: `Look at the path from ${node} to Redis`,
      steps: [
        `from the host of ${node}, connect to Redis by hand`,
        `compare the Redis address and credentials of ${node} with those of another node`,
      ],
      risk: "none",
      riskWhy: "It only looks.",
      recommended: !isWell,
      why: "What fails there is the cause.",
    },
    {
      title: `Restart ${node}`,
      steps: [`end the process of ${node} in order (SIGTERM) and start it again`],
      risk: "low",
      riskWhy: `Its counts are in Redis, so ${node} keeps nothing of its own; the others carry its load meanwhile.`,
      recommended: false,
      why: "It helps when its connections are stuck, not when the network is lost.",
    },
    {
      title: "Wait",
      steps: [`send no traffic to ${node} meanwhile`],
      risk: isWell ? "none" : "medium",
      riskWhy: isWell ? "It has Redis." : `${node} decides without counts as long as it lasts.`,
      recommended: isWell,
      why: isWell
        ? "It is well; what is left is to find out why it wasn't."
        : "It connects again by itself when the path is back.",
    },
  ];
}

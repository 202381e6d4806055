import type { Answer, CauseCategory } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { answerOf, earlierOf, type Finding, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { redisFault } from "./playbook-redis-down.ts";
import type { Sight } from "./playbook-sight.ts";

/** A `PING` or `GET /livez` does next to nothing: an answer that takes this long had to wait. */
const probeSlowMs = 50;

/** A node decides slowly: it is busy, Redis is, or the way between them is slow. */
export function highLatency(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const p99Ms = sight.number("parts", "metrics", node, "latencyP99Ms");
  const limitMs = file.violation.detail.kind === "threshold" ? file.violation.detail.limit : undefined;
  const own = citeP99(sight, node, `99 of 100 decisions of ${node} took less than these milliseconds`);
  if (p99Ms === undefined || limitMs === undefined) {
    return notKnown(file, citations, `no snapshot shows how long ${node} takes`, [`the metrics of ${node}`]);
  }
  const recovery = recoveryOf(file);
  if (p99Ms <= limitMs || recovery) {
    return nothingBroken(
      sight,
      own,
      recovery
        ? `${node} was slow for a while and is quick again`
        : `${node} is quick: the evidence doesn't bear out that it is slow`,
    );
  }
  const redis = sight.probe("redis");
  if (redis === "refused" || redis === "silent") return redisFault(sight, own);
  const others = sight.otherNodes(node);
  const slow = others.filter((other) => (sight.number("parts", "metrics", other, "latencyP99Ms") ?? 0) > limitMs);
  const quick = others.filter(
    (other) => (sight.number("parts", "metrics", other, "latencyP99Ms") ?? Infinity) <= limitMs,
  );
  const redisMs = sight.number("parts", "probe", "redis", "latencyMs");
  const nodeMs = sight.number("parts", "probe", node, "latencyMs");
  const seen: Seen = {
    own,
    alsoSlow: slow.slice(0, 5).flatMap((other) => citeP99(sight, other, `${other} is slow too`)),
    stillQuick: quick.slice(0, 5).flatMap((other) => citeP99(sight, other, `${other} is quick`)),
    redisPing: citeLatency(sight, sight.redis, "how many milliseconds Redis took to answer a PING"),
    nodePing: citeLatency(sight, node, `how many milliseconds ${node} took to answer where no Redis is asked`),
  };
  const redisSlow = redisMs !== undefined && redisMs > probeSlowMs;
  const nodeSlow = nodeMs !== undefined && nodeMs > probeSlowMs;
  if (redisSlow || (slow.length > 0 && quick.length === 0 && !nodeSlow)) return slowRedis(sight, seen, redisSlow);
  if (nodeSlow) return busyNode(sight, seen);
  return notKnown(
    file,
    citations,
    `${node} takes ${Math.round(p99Ms)} ms, but neither it nor Redis is seen to be busy`,
    [`how long Redis takes to answer ${node} in particular`, `the event loop lag and the processor time of ${node}`],
  );
}

interface Seen {
  own: EvidenceId[];
  alsoSlow: EvidenceId[];
  stillQuick: EvidenceId[];
  redisPing: EvidenceId[];
  nodePing: EvidenceId[];
}

function slowRedis(sight: Sight, seen: Seen, isSeen: boolean): Answer {
  const node = sight.file.violation.target;
  const load = sight.citations.cite(
    "how many commands Redis carries out a second",
    "first_bad",
    "parts",
    "redis",
    "redis",
    "operationsPerS",
  );
  if (seen.redisPing.length + load.length === 0) {
    return notKnown(sight.file, sight.citations, "all nodes are slow, and no snapshot shows Redis, which they share", [
      "the probe of redis",
    ]);
  }
  return fault(sight, {
    headline: `Redis is slow, and ${node} waits for it`,
    category: "overloaded",
    target: sight.redis,
    mechanism: isSeen
      ? "Redis takes long to answer even a PING, and every decision waits for one answer of Redis."
      : "Every node that is seen is slow at once, and what they share is Redis.",
    evidence: [...seen.redisPing, ...load, ...seen.own, ...seen.alsoSlow],
    confidence: isSeen ? 0.8 : 0.5,
    alternatives: [
      {
        cause: { category: "overloaded", target: node },
        whyRejected:
          seen.alsoSlow.length > 0
            ? `Other nodes are slow as well, so it isn't ${node} alone.`
            : `${node} may be busy too, but Redis is slow by itself.`,
        for: seen.nodePing,
        against: [...seen.alsoSlow, ...seen.redisPing],
      },
    ],
    options: [
      {
        title: "Find what keeps Redis busy",
        steps: [
          "on Redis: SLOWLOG GET, INFO commandstats, INFO memory",
          "look for one key that most decisions are about",
        ],
        risk: "none",
        riskWhy: "It only reads.",
        recommended: true,
        why: "Redis does one thing at a time: one long command holds up every decision.",
      },
      waiting,
    ],
    missing: ["the slow log of Redis and the processor time of its host"],
  });
}

function busyNode(sight: Sight, seen: Seen): Answer {
  const node = sight.file.violation.target;
  return fault(sight, {
    headline: `${node} is overloaded: it is slow even where it asks no Redis`,
    category: "overloaded",
    target: node,
    mechanism: `${node} takes long to answer even a question that needs nothing but itself, so it waits for itself: its processor or its event loop is busy.`,
    evidence: [...seen.nodePing, ...seen.own, ...seen.stillQuick],
    confidence: seen.stillQuick.length > 0 ? 0.8 : 0.6,
    alternatives: [
      {
        cause: { category: "overloaded", target: sight.redis },
        whyRejected: "Redis answers a PING quickly.",
        for: [],
        against: [...seen.redisPing, ...seen.stillQuick],
      },
    ],
    options: [
      {
        title: `Take load from ${node}`,
        steps: ["send more of the traffic to the other nodes", `look at what else runs on the host of ${node}`],
        risk: "low",
        riskWhy: "Any node decides alike: all count in one Redis.",
        recommended: true,
        why: "It mends what is seen without stopping anything.",
      },
      waiting,
    ],
    missing: [`the processor time of ${node} and of its host`],
  });
}

const waiting: Finding["options"][number] = {
  title: "Wait",
  steps: ["watch whether the latency falls by itself"],
  risk: "medium",
  riskWhy: "Callers wait for every decision.",
  recommended: false,
  why: "Only if the load is known to be a passing one.",
};

function fault(
  sight: Sight,
  told: Pick<Finding, "headline" | "confidence" | "alternatives" | "options" | "missing"> & {
    category: CauseCategory;
    target: TargetName;
    mechanism: string;
    evidence: EvidenceId[];
  },
): Answer {
  const { file, citations } = sight;
  const { category, target, mechanism, evidence, ...finding } = told;
  return answerOf(file, citations, {
    ...finding,
    verdict: "fault",
    rootCauses: [{ category, target, mechanism: `${mechanism}${earlierOf(file)}`, evidence }],
    verify: [howItClears(file)],
  });
}

function nothingBroken(sight: Sight, own: EvidenceId[], headline: string): Answer {
  const { file, citations } = sight;
  return answerOf(file, citations, {
    verdict: "no_fault",
    headline,
    rootCauses: [
      {
        category: "none",
        target: file.violation.target,
        mechanism: "Nothing is broken by now. A burst of load passes by itself.",
        evidence: own,
      },
    ],
    confidence: 0.7,
    alternatives: [],
    options: [
      { ...waiting, risk: "none", riskWhy: "It is quick.", recommended: true, why: "Nothing is left to mend." },
    ],
    verify: [howItClears(file)],
    missing: ["what made it slow: the load of each key is not among the operator's sources"],
  });
}

function citeP99(sight: Sight, node: TargetName, shows: string): EvidenceId[] {
  return sight.citations.cite(shows, "first_bad", "parts", "metrics", node, "latencyP99Ms");
}

function citeLatency(sight: Sight, target: TargetName, shows: string): EvidenceId[] {
  return sight.citations.cite(shows, "first_bad", "parts", "probe", target, "latencyMs");
}

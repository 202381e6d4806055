import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import { answerOf, earlierOf, type Finding, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { quoted } from "@operator/evidence/telemetry";
import { redisOptions } from "./playbook-redis-options.ts";
import type { Sight } from "./playbook-sight.ts";

/** Redis doesn't answer its probe. */
export function redisDown(sight: Sight): Answer {
  const { file, citations } = sight;
  const state = sight.probe("redis");
  if (state === undefined) {
    return notKnown(file, citations, "no snapshot shows how Redis answered the probe", ["the probe of redis"]);
  }
  if (state !== "up") return redisFault(sight);
  return answerOf(file, citations, {
    verdict: "no_fault",
    headline: "Redis answers: the evidence doesn't bear out that it is down",
    rootCauses: [
      {
        category: "none",
        target: sight.redis,
        mechanism: "The snapshot cited shows it up.",
        evidence: sight.citeProbe("redis", "Redis answers in the very snapshot that is said to show it down"),
      },
    ],
    confidence: 0.7,
    alternatives: [],
    options: redisOptions(sight, "none"),
    verify: [howItClears(file)],
    missing: ["why the checker said otherwise"],
  });
}

/** Redis crashed or hangs, whichever ticket asks: its probe in the first bad snapshot says which. */
export function redisFault(sight: Sight, symptom: EvidenceId[] = []): Answer {
  const { file, citations } = sight;
  const refused = sight.probe("redis") === "refused";
  const gone = sight.text("parts", "probe", "redis", "code") === "TIMEOUT_CLOSED";
  const code = sight.text("parts", "probe", "redis", "code");
  const nodes = sight.otherNodes("redis");
  const answering = sight.citeProbes(nodes, "up", (node) => `${node} answers the same observer at the same time`);
  const cutOff = nodes
    .slice(0, 5)
    .filter((node) => sight.flag("parts", "metrics", node, "redisConnected") === false)
    .flatMap((node) =>
      citations.cite(
        `${node} itself says that it has lost Redis`,
        "first_bad",
        "parts",
        "metrics",
        node,
        "redisConnected",
      ),
    );
  const isCrash = refused || gone;
  const howItFailed = citations.cite("how the questions failed", "first_bad", "parts", "probe", "redis", "code");
  const grounds = [
    ...symptom,
    ...sight.citeProbe(
      "redis",
      refused
        ? "Redis is not there: its host answers, and refuses the connection"
        : "Redis takes no notice: questions get no answer in time, and no refusal either",
    ),
    ...howItFailed,
    ...sight.citeProbe("redis", "Redis answered in the snapshot before", "last_good"),
    ...(isCrash ? [] : answering),
    ...cutOff,
  ];
  const recovered = recoveryOf(file) !== undefined;
  const mechanism = refused
    ? `The process of Redis has ended: its port refuses connections${code === undefined ? "" : ` (${quoted(code)})`}.`
    : gone
      ? "The connection to Redis was closed and its address answers no more, as when its machine or container ends."
      : "The process of Redis is there and does nothing: it is stopped or blocked. Its connection neither closed nor was refused.";
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `${isCrash ? "Redis has crashed or was stopped" : "Redis hangs: it neither answers nor refuses"}${recovered ? "; it is well again by now" : ", so no node can count"}`,
    rootCauses: [
      {
        category: isCrash ? "crashed" : "hung",
        target: sight.redis,
        mechanism: `${mechanism} Every node counts in this one Redis; without it each decides by its failure policy, which either admits everything or nothing.${earlierOf(file)}`,
        evidence: grounds,
      },
    ],
    confidence: refused ? 0.95 : cutOff.length > 0 ? 0.9 : answering.length > 0 ? 0.8 : 0.5,
    timeline: timelineOf(sight),
    alternatives: [
      {
        cause: { category: isCrash ? "hung" : "crashed", target: sight.redis },
        whyRejected: refused
          ? "A hung Redis keeps its port open; this one's refuses."
          : gone
            ? "A hung Redis doesn't close its connections; this one's was closed."
            : "The port of a process that ended refuses; this one doesn't.",
        for: [],
        against: [...sight.citeProbe("redis", "how Redis takes questions"), ...howItFailed],
      },
      {
        cause: { category: "unreachable", target: sight.redis },
        whyRejected: refused
          ? "A lost network is silent; a refusal is Redis' own host answering."
          : cutOff.length > 0
            ? "The nodes have lost Redis too, by paths of their own, so it isn't only the observer's."
            : answering.length > 0
              ? "Not excluded, but the nodes answer the same observer, so at most the path to Redis is lost."
              : "Not excluded: nothing else is seen to answer either.",
        for: [],
        against: [...answering, ...cutOff],
      },
    ],
    options: redisOptions(sight, recovered ? "none" : isCrash ? "crashed" : "hung"),
    verify: [howItClears(file), "Redis answers PING, and every node's metrics say redis_connected 1."],
    missing: [
      isCrash
        ? "why Redis ended: its exit code and log are not among the operator's sources"
        : "the state of the process of Redis on its host (stopped, waiting for a disk, in a long command)",
      ...(cutOff.length > 0
        ? []
        : ["whether the nodes had lost Redis too: in the first bad snapshot none said so yet"]),
    ],
  });
}

function timelineOf(sight: Sight): NonNullable<Finding["timeline"]> {
  return (["lastAnswerAtMs", "sinceMs"] as const).flatMap((key) => {
    const atMs = sight.number("parts", "probe", "redis", key);
    if (atMs === undefined) return [];
    const what =
      key === "sinceMs" ? "It is established that Redis doesn't answer." : "Redis answers for the last time.";
    const shows = key === "sinceMs" ? "since when it doesn't answer" : "its last answer";
    return [{ atMs, what, evidence: sight.citations.cite(shows, "first_bad", "parts", "probe", "redis", key) }];
  });
}

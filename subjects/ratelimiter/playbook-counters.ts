import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import { answerOf, earlierOf, type Finding, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { quoted } from "@operator/evidence/telemetry";
import { keyOfTarget } from "./key-target.ts";
import type { Sight } from "./playbook-sight.ts";

type Option = Finding["options"][number];

/** Redis' log of a key isn't what the nodes admitted: it has hits of nobody, or lacks some. */
export function counterDrift(sight: Sight): Answer {
  const { file, citations } = sight;
  const { target } = file.violation;
  const key = keyOfTarget(target);
  const [inRedis, admitted, ahead = 0] = ["inRedis", "admitted", "ahead"].map((field) => count(sight, field));
  if (key === undefined || inRedis === undefined || admitted === undefined) {
    return notKnown(file, citations, `no snapshot shows how ${target} is counted`, ["the counters of this key"]);
  }
  const grounds = [
    ...cite(sight, "hits in Redis, over the time compared", "inRedis"),
    ...cite(sight, "admissions by the nodes' own accounts, over the same time", "admitted"),
    ...cite(sight, "questions without an answer: neither side could be sure of these", "unsettled"),
  ];
  if (inRedis === admitted) return nothingBroken(sight, grounds, `Redis and the nodes agree about ${target}`);
  const hits = inRedis - admitted;
  const isForged = hits > 0;
  const stamps = ahead > 0 ? cite(sight, "hits of a time that is yet to come", "ahead") : [];
  const uptime = citations.cite(
    "for how many seconds Redis has run",
    "first_bad",
    "parts",
    "redis",
    "redis",
    "uptimeS",
  );
  const recovered = recoveryOf(file) !== undefined;
  const name = quoted(key);
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `Redis has ${Math.abs(hits)} hits of ${target} ${isForged ? "that no node admitted" : "too few"}${recovered ? "; they agree again by now" : ""}`,
    rootCauses: [
      {
        category: "diverged",
        target,
        mechanism: isForged
          ? `Somebody other than the nodes wrote into the log of ${name}, or a node that nobody knows of did: each such hit takes one away from its callers.${ahead > 0 ? ` ${ahead} of them bear a time that is yet to come, which Redis' own clock can't have given; they stay until long after it.` : ""}${earlierOf(file)}`
          : `Hits of ${name} that nodes admitted are gone from Redis while it went on running: removed, flushed or evicted. So many are admitted beyond the limit.${earlierOf(file)}`,
        evidence: [...grounds, ...stamps],
      },
    ],
    confidence: ahead > 0 ? 0.95 : 0.85,
    alternatives: [
      {
        cause: { category: "crashed", target: sight.redis },
        whyRejected: isForged
          ? "A Redis that was started again has fewer hits, not more."
          : "Hits from before a start of Redis aren't compared, so a restart can't be what is seen.",
        for: [],
        against: uptime,
      },
      {
        cause: { category: "observation", target },
        whyRejected:
          "Both sides are counted over one span of Redis' time that ended before the reading, and questions without an answer count for either.",
        for: [],
        against: grounds,
      },
    ],
    options: isForged ? optionsOfForged(target, recovered) : [lookWho(!recovered), waitOut(recovered)],
    proposals:
      isForged && !recovered
        ? [
            {
              action: "reset_counter",
              target,
              parameters: { key },
              why: `Redis has ${inRedis} hits, the nodes admitted ${admitted}: the rest denies callers what is theirs, and a reset admits at most one limit more`,
            },
          ]
        : [],
    verify: [howItClears(file), "Redis' hits and the nodes' admissions agree, to two hits or 2 % of the limit."],
    missing: ["who wrote into Redis beside the nodes: its clients by name (CLIENT LIST, ACL LOG) aren't read"],
  });
}

export function count(sight: Sight, ...field: string[]): number | undefined {
  return sight.number("parts", "counters", sight.file.violation.target, ...field);
}

export function cite(sight: Sight, shows: string, ...field: string[]): EvidenceId[] {
  return sight.citations.cite(shows, "first_bad", "parts", "counters", sight.file.violation.target, ...field);
}

/** The snapshot that is said to show a breach doesn't. */
export function nothingBroken(sight: Sight, evidence: EvidenceId[], headline: string): Answer {
  const { file, citations } = sight;
  return answerOf(file, citations, {
    verdict: "no_fault",
    headline: `${headline}: the evidence doesn't bear out a breach`,
    rootCauses: [{ category: "none", target: file.violation.target, mechanism: `${headline}.`, evidence }],
    confidence: 0.7,
    alternatives: [],
    options: [
      {
        title: "Nothing at the subject",
        steps: ["operator status shows how it is now"],
        risk: "none",
        riskWhy: "It only reads.",
        recommended: true,
        why: "Nothing shows that something is broken.",
      },
    ],
    verify: [howItClears(file)],
    missing: ["why the checker said otherwise"],
  });
}

function optionsOfForged(target: string, recovered: boolean): Option[] {
  return [
    {
      title: `Reset the counter of ${target}`,
      steps: ["POST /v1/manage/counters/<key>/reset at any node, which the action reset_counter does"],
      risk: "low",
      riskWhy:
        "Its callers have their whole limit at once: at most one limit is admitted once more. It can't be undone.",
      recommended: !recovered,
      why: "Nothing else gives callers back what is theirs, and the log can't tell afterwards which hits were real.",
    },
    lookWho(recovered),
    waitOut(false),
  ];
}

function lookWho(recommended: boolean): Option {
  return {
    title: "Find who else writes to this Redis",
    steps: [
      "on Redis: CLIENT LIST, ACL LOG, INFO commandstats",
      "look for evicted_keys, FLUSHALL or a script of somebody's",
    ],
    risk: "none",
    riskWhy: "It only reads.",
    recommended,
    why: "Who did it once can do it again.",
  };
}

function waitOut(recommended: boolean): Option {
  return {
    title: "Wait until the hits have left the window",
    steps: ["watch whether the difference shrinks"],
    risk: "medium",
    riskWhy: "Until then the key's limit isn't what was promised.",
    recommended,
    why: "Only if the window is short and nobody writes any more.",
  };
}

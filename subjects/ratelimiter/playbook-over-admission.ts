import type { Answer, CauseCategory } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { answerOf, earlierOf, type Finding, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { keyOfTarget } from "./key-target.ts";
import { cite, count, nothingBroken } from "./playbook-counters.ts";
import type { Sight } from "./playbook-sight.ts";

/** `update_limit` stores no longer window. */
const windowMsMax = 600_000;

/** A window admitted more than its limit: by a wrong limit, or after Redis lost hits. */
export function overAdmission(sight: Sight): Answer {
  const { file, citations } = sight;
  const { target } = file.violation;
  const key = keyOfTarget(target);
  const [admitted, limit, windowMs] = ["admitted", "limit", "windowMs"].map((field) => count(sight, "promised", field));
  if (key === undefined || admitted === undefined || limit === undefined || windowMs === undefined) {
    return notKnown(file, citations, `no snapshot shows what was admitted of ${target}`, ["the counters of this key"]);
  }
  const grounds = [
    ...cite(sight, "what nodes admitted in one window, by their own accounts", "promised", "admitted"),
    ...cite(sight, "the most that a window may admit", "promised", "limit"),
  ];
  if (admitted <= limit) return nothingBroken(sight, grounds, `${admitted} of ${limit} were admitted`);
  const told: Told = { sight, grounds, admitted, limit, windowMs, key };
  const stored = { limit: count(sight, "stored", "limit"), windowMs: count(sight, "stored", "windowMs") };
  const applied = appliedIn(sight);
  const isWrong = (one: { limit: number | undefined; windowMs: number | undefined }) =>
    one.limit !== undefined && one.windowMs !== undefined && one.limit / one.windowMs > limit / windowMs;
  if (isWrong(stored) || (stored.limit === undefined && applied.some(isWrong))) return wrongLimit(told, stored.limit);
  const [inRedis, byNodes] = [count(sight, "inRedis"), count(sight, "admitted")];
  if (inRedis !== undefined && byNodes !== undefined && inRedis < byNodes) return hitsLost(told);
  return notKnown(
    file,
    citations,
    `${admitted} of ${limit} were admitted under the right limit, by nodes that are registered, and Redis lacks none of it`,
    ["the log of each node's decisions about this key"],
  );
}

interface Told {
  sight: Sight;
  grounds: EvidenceId[];
  admitted: number;
  limit: number;
  windowMs: number;
  key: string;
}

function wrongLimit({ sight, grounds, admitted, limit, windowMs, key }: Told, stored: number | undefined): Answer {
  const { target } = sight.file.violation;
  const where = stored === undefined ? "the nodes' default" : "the limit that is stored";
  const wrong = [
    ...cite(sight, "the limit that is stored for the key", "stored", "limit"),
    ...cite(sight, "the window that is stored for the key", "stored", "windowMs"),
    ...cite(sight, "which limit the nodes apply", "applied", "0", "limit"),
    ...sight.citations.cite(
      "the limit that was stored before",
      "last_good",
      "parts",
      "counters",
      target,
      "stored",
      "limit",
    ),
  ];
  const why = `${where} admits more than the declared ${limit} in ${windowMs} ms; ${admitted} were admitted in one window`;
  return fault(sight, {
    headline: `A wrong limit applies to ${target}: ${admitted} were admitted where ${limit} may be`,
    category: "misconfigured",
    target,
    mechanism: `Nodes keep to ${where}${stored === undefined ? "" : `, ${stored}`}; what has to hold is ${limit} in ${windowMs / 1_000} s. Redis counts rightly, against the wrong number.`,
    evidence: [...grounds, ...wrong],
    confidence: 0.95,
    alternatives: [
      divergence(sight, "Redis has logged what was admitted; the number that it's held against is wrong.", wrong),
    ],
    options: [
      {
        title: `Store the declared limit of ${target} again`,
        steps: [`PUT /v1/manage/limits/<key> with ${limit} in ${windowMs} ms, which the action update_limit does`],
        risk: "medium",
        riskWhy: "If the declared limit is the one that is out of date, callers are turned away.",
        recommended: true,
        why: "It is what a person declared; nodes apply it within a second.",
      },
      { ...waiting, steps: ["if the stored limit is meant: declare it, in RATELIMITER_LIMITS"] },
    ],
    proposals:
      windowMs <= windowMsMax ? [{ action: "update_limit", target, parameters: { key, limit, windowMs }, why }] : [],
    missing: ["who stored this limit: the node that was asked to logs that it was, not by whom"],
  });
}

function hitsLost({ sight, grounds }: Told): Answer {
  const { target } = sight.file.violation;
  const lost = [
    ...cite(sight, "hits in Redis, over the time compared", "inRedis"),
    ...cite(sight, "admissions by the nodes' own accounts, over the same time", "admitted"),
  ];
  return fault(sight, {
    headline: `Redis lost hits of ${target}, so its limit was given twice`,
    category: "diverged",
    target,
    mechanism:
      "Redis lacks hits that nodes admitted within the same window while it went on running: removed, flushed or evicted. What it lacks is admitted again.",
    evidence: [...grounds, ...lost],
    confidence: 0.85,
    alternatives: [
      {
        cause: { category: "misconfigured", target },
        whyRejected: "The limit that is stored, or the default, admits no more than what has to hold.",
        for: [],
        against: cite(sight, "which limit the nodes apply", "applied", "0", "limit"),
      },
    ],
    options: [
      { ...waiting, recommended: true, why: "What was admitted can't be taken back; the window closes by itself." },
    ],
    missing: ["who removed them: Redis' clients by name aren't read"],
  });
}

const waiting: Finding["options"][number] = {
  title: "Wait until the window is over",
  steps: ["watch whether the next window keeps to the limit"],
  risk: "medium",
  riskWhy: "What the limit protects has more load than it was promised.",
  recommended: false,
  why: "Only if nothing goes on admitting too much.",
};

function divergence(sight: Sight, whyRejected: string, against: EvidenceId[]): Answer["alternatives"][number] {
  return { cause: { category: "diverged", target: sight.redis }, whyRejected, for: [], against };
}

function fault(
  sight: Sight,
  told: Pick<Finding, "headline" | "confidence" | "alternatives" | "options" | "missing" | "proposals"> & {
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
    proposals: recoveryOf(file) ? [] : (finding.proposals ?? []),
    verify: [howItClears(file), "The next window admits no more than the limit."],
  });
}

/** The limits that nodes apply, of at most a few kinds. */
function appliedIn(sight: Sight): { limit: number | undefined; windowMs: number | undefined }[] {
  return ["0", "1", "2"].map((at) => ({
    limit: count(sight, "applied", at, "limit"),
    windowMs: count(sight, "applied", at, "windowMs"),
  }));
}

import type { Answer } from "@operator/contracts/diagnosis";
import { answerOf, earlierOf, howItClears, notKnown, recoveryOf } from "@operator/evidence/answer";
import { keyOfTarget } from "./key-target.ts";
import { cite, count, nothingBroken } from "./playbook-counters.ts";
import type { Sight } from "./playbook-sight.ts";

/** `update_limit` stores no longer window. */
const windowMsMax = 600_000;
const kindsMax = 3;

/** Another limit than the declared one applies to a key: it's stored, or nodes have one of their own. */
export function limitDiffers(sight: Sight): Answer {
  const { file, citations } = sight;
  const { target } = file.violation;
  const key = keyOfTarget(target);
  const [declared, stored] = ["declared", "stored"].map((where) => limitAt(sight, where));
  if (key === undefined || !declared) {
    return notKnown(file, citations, `no snapshot shows which limit of ${target} is declared`, [
      "the limits of this key",
    ]);
  }
  const wanted = [
    ...cite(sight, "the limit that is declared", "declared", "limit"),
    ...cite(sight, "the window that is declared", "declared", "windowMs"),
  ];
  const kinds = Array.from({ length: kindsMax }, (_, at) => String(at));
  const applied = kinds.flatMap((at) => {
    const limit = limitAt(sight, "applied", at);
    return limit && !isSame(limit, declared) ? [{ ...limit, at }] : [];
  });
  const isStored = stored !== undefined && !isSame(stored, declared);
  const wrong = isStored ? stored : applied[0];
  if (!wrong) return nothingBroken(sight, wanted, `the declared limit applies to ${target}`);
  const shown = [
    ...(isStored
      ? [
          ...cite(sight, "the limit that is stored", "stored", "limit"),
          ...cite(sight, "its window", "stored", "windowMs"),
        ]
      : []),
    ...applied.flatMap(({ at }) => [
      ...cite(sight, "a limit that nodes apply", "applied", at, "limit"),
      ...cite(sight, "its window", "applied", at, "windowMs"),
      ...cite(sight, "the nodes that apply it", "applied", at, "nodes"),
    ]),
  ];
  const recovered = recoveryOf(file) !== undefined;
  const { limit, windowMs } = declared;
  const isLow = wrong.limit / wrong.windowMs < limit / windowMs;
  const says = `${wrong.limit} in ${wrong.windowMs} ms`;
  const where = isStored
    ? "is stored"
    : stored
      ? "is what nodes apply that haven't read the stored one"
      : "is the nodes' default, and nothing is stored";
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `${target} has ${isLow ? "less" : "more"} than its declared limit: ${says} instead of ${limit} in ${windowMs} ms${recovered ? "; it has its own again by now" : ""}`,
    rootCauses: [
      {
        category: "misconfigured",
        target,
        mechanism: `${says} ${where}, and nodes keep to it: ${isLow ? "callers are turned away who were promised more" : "more may be admitted than was promised"}. Redis counts rightly, against the wrong number.${earlierOf(file)}`,
        evidence: [...wanted, ...shown],
      },
    ],
    confidence: 0.95,
    alternatives: [
      {
        cause: { category: "diverged", target },
        whyRejected: "What is counted isn't in question: the number that it's held against is another one.",
        for: [],
        against: shown,
      },
      {
        cause: { category: "observation", target },
        whyRejected: "The nodes themselves say which limit they apply.",
        for: [],
        against: shown,
      },
    ],
    options: [
      {
        title: `Store the declared limit of ${target}`,
        steps: [`PUT /v1/manage/limits/<key> with ${limit} in ${windowMs} ms, which the action update_limit does`],
        risk: "medium",
        riskWhy: "If the declared limit is the one that is out of date, what was meant is undone.",
        recommended: !recovered,
        why: "It is what a person declared; nodes apply it within a second.",
      },
      {
        title: "Leave it as it is",
        steps: ["if the other limit is meant: declare it, in RATELIMITER_LIMITS"],
        risk: isLow ? "low" : "medium",
        riskWhy: isLow
          ? "Callers go on being turned away."
          : "What the limit protects may have more load than it was promised.",
        recommended: recovered,
        why: recovered
          ? "It has its own again; what is left is to find out who changed it."
          : "Only if somebody meant it.",
      },
    ],
    proposals:
      recovered || windowMs > windowMsMax
        ? []
        : [
            {
              action: "update_limit",
              target,
              parameters: { key, limit, windowMs },
              why: `${says} ${where}; declared is ${limit} in ${windowMs} ms`,
            },
          ],
    verify: [howItClears(file), "Every node applies the declared limit."],
    missing: ["who stored this limit: the node that was asked to logs that it was, not by whom"],
  });
}

interface KeyLimit {
  limit: number;
  windowMs: number;
}

function limitAt(sight: Sight, ...where: string[]): KeyLimit | undefined {
  const [limit, windowMs] = [count(sight, ...where, "limit"), count(sight, ...where, "windowMs")];
  return limit === undefined || windowMs === undefined ? undefined : { limit, windowMs };
}

function isSame(one: KeyLimit, other: KeyLimit): boolean {
  return one.limit === other.limit && one.windowMs === other.windowMs;
}

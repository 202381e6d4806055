import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import { answerOf, earlierOf, type Finding, howItClears, recoveryOf } from "@operator/evidence/answer";
import type { Sight } from "./playbook-sight.ts";

export type Cause = Answer["rootCauses"][number];
export type Alternative = Answer["alternatives"][number];
export type Option = Answer["options"][number];
export type Proposal = Answer["proposals"][number];

type Told = Pick<Finding, "headline" | "confidence" | "alternatives" | "options" | "missing"> &
  Partial<Pick<Finding, "proposals" | "timeline" | "verify">> & { causes: Cause[] };

/** A fault as a whole answer. What is well again by now needs nothing done to it. */
export function faultOf(sight: Sight, { causes, ...told }: Told): Answer {
  const { file, citations } = sight;
  const isOver = recoveryOf(file) !== undefined;
  return answerOf(file, citations, {
    ...told,
    verdict: "fault",
    headline: isOver ? `${told.headline}; it is well again by now` : told.headline,
    rootCauses: causes.map((cause, at) => ({
      ...cause,
      mechanism: at === 0 ? `${cause.mechanism}${earlierOf(file)}` : cause.mechanism,
    })),
    options: isOver ? [nothingNow, ...told.options.map(unrecommended)] : told.options,
    proposals: isOver ? [] : (told.proposals ?? []),
    verify: [howItClears(file), ...(told.verify ?? [])],
  });
}

/** Nothing is broken, or it's meant. */
export function noFault(
  sight: Sight,
  told: Pick<Finding, "headline" | "confidence"> &
    Partial<Pick<Finding, "alternatives" | "options" | "missing">> & { mechanism: string; evidence: EvidenceId[] },
): Answer {
  const { file, citations } = sight;
  const { mechanism, evidence, ...finding } = told;
  return answerOf(file, citations, {
    alternatives: [],
    options: [nothingNow],
    missing: [],
    ...finding,
    verdict: "no_fault",
    rootCauses: [{ category: "none", target: sight.target, mechanism, evidence }],
    verify: [howItClears(file)],
  });
}

/** The snapshot that is said to show it broken shows it well. */
export function notBorneOut(sight: Sight, evidence: EvidenceId[], headline: string): Answer {
  return noFault(sight, {
    headline: `${headline}: the evidence doesn't bear out the violation`,
    mechanism: "The snapshot cited shows it well.",
    evidence,
    confidence: 0.7,
    missing: ["why the checker said otherwise"],
  });
}

const nothingNow: Option = {
  title: "Nothing at the cluster",
  steps: ["operator status shows how it is now"],
  risk: "none",
  riskWhy: "It only reads.",
  recommended: true,
  why: "Nothing shows that it is broken now; what is left is to find out why it was.",
};

function unrecommended(option: Option): Option {
  return { ...option, recommended: false };
}

/** An option that only looks. */
export function looking(title: string, steps: string[], why: string, recommended = true): Option {
  return { title, steps, risk: "none", riskWhy: "It only looks.", recommended, why };
}

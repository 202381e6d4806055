import type { ActionState } from "@operator/contracts/action";
import type { Answer } from "@operator/contracts/diagnosis";
import { violationKeyOf } from "@operator/contracts/violation";
import type { CaseFile, StateChange } from "@operator/subject/case-file";
import type { Citations } from "./citations.ts";
import { plainText } from "./telemetry.ts";

const changesMax = 20;

/** The changes of state that tell a story; that a line was unknown while something started, or was ok all along, doesn't. */
const wordOf: Partial<Record<StateChange["state"], string>> = {
  pending: "is broken, within its grace",
  firing: "fires",
  blind: "can't be seen any more",
  clearing: "is well again, not yet for long enough to clear",
};

/** What a playbook has to say; the rest of an answer follows from the case file. */
export type Finding = Omit<Answer, "evidence" | "timeline" | "proposals"> &
  Partial<Pick<Answer, "timeline" | "proposals">>;

/** A playbook's finding as a whole answer: with the evidence that it cited, the verdicts' changes of state, and what the file lacks. */
export function answerOf(file: CaseFile, citations: Citations, finding: Finding): Answer {
  const changes = file.timeline
    .flatMap(({ atMs, invariant, target, state }) => {
      const word = wordOf[state];
      return word === undefined ? [] : [{ atMs, what: `${invariant} of ${target} ${word}.`, evidence: [] }];
    })
    .slice(-changesMax);
  const known = new Set<string>([file.violation.target, ...file.topology.map(({ name }) => name)]);
  return {
    ...finding,
    headline: plainText(finding.headline, 300),
    // What the topology doesn't name can't have caused anything that it shows.
    alternatives: finding.alternatives.filter(({ cause }) => known.has(cause.target)),
    timeline: [...(finding.timeline ?? []), ...changes].sort((a, b) => a.atMs - b.atMs),
    evidence: citations.evidence(),
    proposals: (finding.proposals ?? []).filter((proposal) => !isUnderWay(file, proposal)),
    missing: [...finding.missing, ...file.missing].slice(0, 20).map((each) => plainText(each, 500)),
  };
}

const underWay: readonly ActionState[] = ["proposed", "approved", "claimed", "executed", "unknown"];

/** Is this proposed or being done for the ticket already? It hasn't failed as long as nobody says so. */
function isUnderWay({ ticket, actions }: CaseFile, { action, target }: Answer["proposals"][number]): boolean {
  return actions.some(
    (one) => one.ticket === ticket.id && one.action === action && one.target === target && underWay.includes(one.state),
  );
}

/** The honest answer where the evidence doesn't say. */
export function notKnown(file: CaseFile, citations: Citations, why: string, missing: readonly string[] = []): Answer {
  const { invariant, target } = file.violation;
  return answerOf(file, citations, {
    verdict: "unknown",
    headline: `Why ${invariant} of ${target} fires is not known: ${why}`,
    rootCauses: [],
    confidence: 0.2,
    alternatives: [],
    options: [
      {
        title: "Look at it yourself",
        steps: [`operator status shows every invariant and target as it is now, with the freshness of its sources`],
        risk: "none",
        riskWhy: "It only reads.",
        recommended: true,
        why: "What was kept of the moment doesn't say what happened.",
      },
    ],
    verify: [howItClears(file)],
    missing: [...missing],
  });
}

/** How anyone will know that it is over. */
export function howItClears({ violation: { invariant, target } }: CaseFile): string {
  return `${invariant} of ${target} clears after three fresh readings in a row that are well, over at least 3 s; the ticket then closes by itself.`;
}

/** The newest line of the verdicts when it says that what the ticket is about is well again. */
export function recoveryOf({ violation, verdicts }: CaseFile): { sinceMs: number } | undefined {
  if (!verdicts || verdicts.asOf <= violation.sinceMs) return undefined;
  const line = verdicts.lines.find(
    ({ invariant, target }) => invariant === violation.invariant && target === violation.target,
  );
  return line && (line.state === "clearing" || line.state === "ok") ? { sinceMs: line.sinceMs } : undefined;
}

/** What happened of this kind before, as a sentence that begins with a space; nothing when nothing did. */
export function earlierOf({ violation, similar }: CaseFile): string {
  const key = violationKeyOf(violation);
  const same = similar.filter(({ id }) => id.startsWith(`${key}.`));
  const comebacks = violation.comebacks > 0 ? ` It came back ${violation.comebacks} times within ten minutes.` : "";
  const [last] = same;
  if (!last) return comebacks;
  const cause = last.cause ? ` (then: ${last.cause.category} at ${last.cause.target})` : "";
  return `${comebacks} It happened before: ticket ${last.id}${cause}.`;
}

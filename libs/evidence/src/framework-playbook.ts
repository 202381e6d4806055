import type { Answer } from "@operator/contracts/diagnosis";
import { toPointer } from "@operator/contracts/json";
import type { TargetName } from "@operator/contracts/names";
import type { CaseFile, Playbook } from "@operator/subject/case-file";
import { framework, isWholeSource } from "@operator/subject/framework";
import { answerOf, howItClears, notKnown } from "./answer.ts";
import { Citations } from "./citations.ts";
import { quoted } from "./telemetry.ts";

export const frameworkPlaybookName = "framework";

/** Of a source that is blind as a whole, so many reports are cited. */
const reportsCitedMax = 3;

/** Is this an invariant about the loop's own sight, which every subject has? */
export function isFramework(invariant: string): boolean {
  return Object.values(framework).some(({ name }) => name === invariant);
}

/** Diagnoses what every subject has: a blind source, an observer or a checker that is silent. */
export const frameworkPlaybook: Playbook = (file) => {
  const citations = new Citations(file);
  switch (file.violation.invariant) {
    case framework.sourceBlind.name:
      return sourceBlind(file, citations);
    case framework.observerSilent.name:
      return observerSilent(file, citations);
    default:
      // What the checker would have said is in no snapshot, so nothing can be cited for why it is silent.
      return notKnown(file, citations, "a silent checker leaves no snapshot to look at", [
        "the log and the exit code of the checker: the operator doesn't see into its own services",
        "whether any checker runs, and whether it reaches the bus",
      ]);
  }
};

const look = (title: string, steps: string[], why: string): Answer["options"][number] => ({
  title,
  steps,
  risk: "none",
  riskWhy: "It changes nothing at the subject.",
  recommended: true,
  why,
});

/** A source can't read a target, or any: its report says why; whether the target itself is well, other sources say. */
function sourceBlind(file: CaseFile, citations: Citations): Answer {
  const { violation } = file;
  const { detail } = violation;
  if (detail.kind !== "blind") return notKnown(file, citations, "its detail doesn't name the source that is blind");
  const { source } = detail;
  const isWhole = isWholeSource(violation);
  const about = isWhole ? `its ${reported(file, source).length} targets` : detail.about;
  const targets = isWhole ? reported(file, source).slice(0, reportsCitedMax) : [detail.about];
  const grounds = targets.flatMap((target) => {
    const report = ["sources", source, "targets", target];
    return [
      ...citations.cite(`why ${source} couldn't read ${target}`, "first_bad", ...report, "error", "code"),
      ...citations.cite("the failure in its own words", "first_bad", ...report, "error", "message"),
      ...citations.cite(`when ${source} read ${target} last`, "first_bad", ...report, "readAtMs"),
    ];
  });
  if (grounds.length === 0) return notKnown(file, citations, `no snapshot shows what ${source} reports of ${about}`);
  const codes = targets.flatMap((target) => {
    const code = citations.value("first_bad", "sources", source, "targets", target, "error", "code");
    return typeof code === "string" ? [code] : [];
  });
  const said =
    codes.length > 0
      ? `its last attempt failed with ${[...new Set(codes)].slice(0, 3).map(quoted).join(", ")}`
      : `it says ${quoted(detail.code)}`;
  return answerOf(file, citations, {
    verdict: "fault",
    headline: isWhole
      ? `The source ${source} sees nothing of ${violation.subject}: ${said}`
      : `The source ${source} can't see ${about}: ${said}`,
    rootCauses: [
      {
        category: "observation",
        target: violation.target,
        mechanism: `${source} has read nothing of ${about} for 30 s; ${said}. What rests on that reading is unknown meanwhile, and clears nothing.`,
        evidence: grounds,
      },
    ],
    confidence: 0.8,
    alternatives: isWhole ? [] : [targetAlternative(file, citations, detail.about)],
    options: [
      look(
        `Find out why ${source} can't read ${about}`,
        [
          "operator status shows the source's freshness and its last error",
          "check the address, the credentials and the network between the observer and what it reads",
        ],
        "As long as it is blind, nobody knows whether what rests on it is well.",
      ),
    ],
    verify: [howItClears(file)],
    missing: ["what the observer itself logged: the operator doesn't see into its own services"],
  });
}

/** The targets that a source reports of in the first bad snapshot. */
function reported({ facts }: CaseFile, source: string): string[] {
  const prefix = `${toPointer(["sources", source, "targets"])}/`;
  const targets = facts
    .filter(({ snapshot, pointer }) => snapshot === "first_bad" && pointer.startsWith(prefix))
    .map(({ pointer }) => pointer.slice(prefix.length).split("/")[0] ?? "");
  return [...new Set(targets)].map((target) => target.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Not the source but what it reads: is it there? */
function targetAlternative(file: CaseFile, citations: Citations, about: TargetName): Answer["alternatives"][number] {
  const path = ["parts", "probe", about, "state"];
  const isUp = citations.value("first_bad", ...path) === "up";
  const answers = citations.cite(`whether ${about} answers the probe`, "first_bad", ...path);
  return {
    cause: {
      category: "unreachable",
      target: file.topology.some(({ name }) => name === about) ? about : file.violation.target,
    },
    whyRejected: isUp
      ? `${about} answers the probe, so it is there: only this reading of it fails.`
      : `Not excluded: no probe shows that ${about} answers. When it is known to be down, it has a ticket of its own.`,
    for: isUp ? [] : answers,
    against: isUp ? answers : [],
  };
}

/** No snapshots come. The last one proves when they stopped, and nothing more. */
function observerSilent(file: CaseFile, citations: Citations): Answer {
  const { violation } = file;
  const last = (["first_bad", "last_good"] as const).find((side) => citations.value(side, "atMs") !== undefined);
  if (!last) {
    return notKnown(file, citations, "no snapshot was kept, so nothing shows when they stopped", [
      "the last snapshot before the silence",
      "the log and the exit code of the observer",
    ]);
  }
  const atMs = Number(citations.value(last, "atMs"));
  const grounds = citations.cite("when the last snapshot was taken; none has come since", last, "atMs");
  return answerOf(file, citations, {
    verdict: "fault",
    headline: `No snapshot of ${violation.subject} comes any more: the subject isn't watched`,
    rootCauses: [
      {
        category: "observation",
        target: violation.target,
        mechanism: `The observer sends a snapshot every second. The last one came ${((violation.asOf - atMs) / 1000).toFixed(1)} s before this was said. Either no observer runs, or none holds the lease, or none reaches the bus. How ${violation.subject} is now is not known.`,
        evidence: grounds,
      },
    ],
    confidence: 0.8,
    timeline: [{ atMs, what: "The last snapshot is taken.", evidence: grounds }],
    alternatives: [],
    options: [
      look(
        "Start an observer",
        [
          "see whether an observer runs, and what it logged last",
          "start it again: another one takes over within 2 s when the lease runs out",
        ],
        "Until then every verdict is unknown, and a broken invariant isn't seen.",
      ),
    ],
    verify: [howItClears(file)],
    missing: ["the log and the exit code of the observer: the operator doesn't see into its own services"],
  });
}

import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import type { Finding } from "@operator/evidence/answer";
import { quoted } from "@operator/evidence/telemetry";
import type { Alternative } from "./playbook-finding.ts";
import type { Sight } from "./playbook-sight.ts";

/** What became of a store or PD member that doesn't answer. */
export interface Failure {
  category: "crashed" | "hung" | "unreachable";
  /** e.g. `store-1 has crashed or was stopped`. */
  says: string;
  mechanism: string;
  evidence: EvidenceId[];
  confidence: number;
  alternatives: Alternative[];
  missing: string[];
}

/** Told by how it fails to answer, and by who answers beside it. Undefined: it answers, or nothing shows whether it does. */
export function failureOf(sight: Sight, member: TargetName): Failure | undefined {
  const state = sight.probe(member);
  if (state === undefined || state === "up") return undefined;
  const code = sight.text("probe", member, "code");
  const others = sight.citeUp([...sight.stores(member), ...sight.members(member)]);
  const howItFailed = sight.cite("how the questions failed", "probe", member, "code");
  const evidence = [
    ...sight.citeProbe(
      member,
      state === "refused"
        ? `${member} is not there: its host answers, and refuses the connection`
        : `${member} takes no notice: questions get no answer in time, and no refusal either`,
    ),
    ...howItFailed,
    ...sight.cite(`when ${member} answered last`, "probe", member, "lastAnswerAtMs"),
  ];
  const because = (cause: Alternative["cause"]["category"], whyRejected: string, against: EvidenceId[]) => ({
    cause: { category: cause, target: member },
    whyRejected,
    for: [],
    against,
  });
  const processState = `the state of the process of ${member} on its host: whether it's there, stopped, or waits for a disk`;
  if (state === "refused") {
    return {
      category: "crashed",
      says: `${member} has crashed or was stopped: nothing listens on its port`,
      mechanism: `The process of ${member} has ended. Its port refuses connections${code === undefined ? "" : ` (${quoted(code)})`}, which a process that hangs or a network that drops packets doesn't do.`,
      evidence,
      confidence: 0.95,
      alternatives: [
        because("hung", `A process that hangs keeps its port open. ${member}'s refuses.`, evidence.slice(0, 1)),
        because("unreachable", `A lost network is silent; a refusal is the host of ${member} answering.`, [
          ...evidence.slice(0, 1),
          ...others,
        ]),
      ],
      missing: [`why the process of ${member} ended: its exit code, and the kernel's messages about memory`],
    };
  }
  if (others.length === 0) {
    return {
      category: "unreachable",
      says: `Nothing answers the observer, ${member} neither: a network or a whole host is the likelier cause`,
      mechanism: `${member} is silent, and no other member is seen to answer: what they share is to blame before ${member} is, the network between them and the observer, or their host.`,
      evidence,
      confidence: 0.5,
      alternatives: [
        {
          ...because("hung", "Not excluded, but several that hang at once are rarer than one lost network.", []),
          for: evidence.slice(0, 1),
        },
      ],
      missing: ["a second observer elsewhere, which would tell a lost network from lost members"],
    };
  }
  if (code === "TIMEOUT_CLOSED") {
    return {
      category: "crashed",
      says: `${member} is gone: its connection closed and its address answers no more`,
      mechanism: `The connection to ${member} was closed, and a new one gets no answer, as when a machine or a container ends with its address. Others answer, so the observer sees well.`,
      evidence: [...evidence, ...others],
      confidence: 0.8,
      alternatives: [
        because("hung", `A process that hangs doesn't close its connections; ${member}'s was closed.`, howItFailed),
        because(
          "unreachable",
          "Not excluded: the others answer over the same network, so at most its own path is lost.",
          others,
        ),
      ],
      missing: [processState],
    };
  }
  return {
    category: "hung",
    says: `${member} hangs: it neither answers nor refuses`,
    mechanism: `The process of ${member} is there and does nothing: it is stopped, or blocked. Its connection neither closed nor was refused, as it would be had it ended, and others answer, so the observer sees well.`,
    evidence: [...evidence, ...others],
    confidence: 0.75,
    alternatives: [
      because("crashed", `The port of a process that ended refuses; ${member}'s doesn't.`, evidence.slice(0, 1)),
      because(
        "unreachable",
        `Not excluded: the others answer over the same network, so at most ${member}'s own path is lost. On its host the two are told apart at once.`,
        others,
      ),
    ],
    missing: [processState],
  };
}

/** When it answered last, and when it was established that it doesn't. */
export function timelineOf(sight: Sight, member: TargetName): NonNullable<Finding["timeline"]> {
  const moments = [
    { field: "lastAnswerAtMs", what: `${member} answers for the last time.`, shows: `when ${member} answered last` },
    {
      field: "sinceMs",
      what: `It is established that ${member} doesn't answer.`,
      shows: "since when it doesn't answer",
    },
  ];
  return moments.flatMap(({ field, what, shows }) => {
    const atMs = sight.number("probe", member, field);
    return atMs === undefined ? [] : [{ atMs, what, evidence: sight.cite(shows, "probe", member, field) }];
  });
}

import type { Answer } from "@operator/contracts/diagnosis";
import { answerOf, howItClears, notKnown } from "@operator/evidence/answer";
import { quoted } from "@operator/evidence/telemetry";
import { faultOfNode, networkAlternative, redisAlternative, restartOf } from "./playbook-node-fault.ts";
import { silentNode } from "./playbook-node-silent.ts";
import type { Sight } from "./playbook-sight.ts";

/** A node doesn't answer: it ended, it hangs, or it can't be reached. */
export function nodeDown(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const state = sight.probe(node);
  if (sight.hasLeft(node)) return leftOnPurpose(sight);
  if (state === undefined) {
    return notKnown(file, citations, `no snapshot shows how ${node} answered the probe`, [`the probe of ${node}`]);
  }
  if (state === "up") return notBorneOut(sight);
  return state === "refused" ? crashed(sight) : silentNode(sight);
}

function crashed(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const code = sight.text("parts", "probe", node, "code");
  const members = citations.value("first_bad", "parts", "registry", "cluster", "members");
  const isMember = Array.isArray(members) && members.includes(node);
  const grounds = [
    ...sight.citeProbe(node, `${node} is not there: its host answers, and refuses the connection`),
    ...citations.cite("how the connection failed", "first_bad", "parts", "probe", node, "code"),
    ...sight.citeProbe(node, `${node} answered in the snapshot before`, "last_good"),
    ...(isMember
      ? citations.cite(`${node} had not left on purpose`, "first_bad", "parts", "registry", "cluster", "members")
      : []),
  ];
  return faultOfNode(sight, grounds, {
    headline: `${node} has crashed or was stopped: nothing listens on its port`,
    category: "crashed",
    mechanism: `The process of ${node} has ended. Its port refuses connections${code === undefined ? "" : ` (${quoted(code)})`}, which a process that hangs or a network that drops packets doesn't do.${isMember ? " It hadn't left the registry when that was read last, so it wasn't shut down in order." : ""}`,
    confidence: 0.95,
    proposals: [restartOf(node)],
    alternatives: [
      {
        cause: { category: "hung", target: node },
        whyRejected: `A hung process keeps its port open and says nothing. ${node}'s port refuses.`,
        for: [],
        against: sight.citeProbe(node, `${node} is not there`),
      },
      networkAlternative(sight, `A lost network path is silent; a refusal is ${node}'s own host answering.`),
      redisAlternative(sight),
    ],
    missing: [
      `why the process of ${node} ended: its exit code and the last lines of its log are not among the operator's sources`,
    ],
  });
}

function leftOnPurpose(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const registry = ["parts", "registry", "cluster"];
  const departed = [
    ...citations.cite("it left the registry at this time by Redis' clock", "first_bad", ...registry, "departed", node),
    ...citations.cite("the nodes that are members still", "first_bad", ...registry, "members"),
  ];
  return answerOf(file, citations, {
    verdict: "no_fault",
    headline: `${node} was shut down in order: the registry says that it left`,
    rootCauses: [
      {
        category: "none",
        target: node,
        mechanism: `${node} took itself out of the registry before it stopped answering. Nothing is broken.`,
        evidence: departed,
      },
    ],
    confidence: 0.9,
    alternatives: [
      {
        cause: { category: "crashed", target: node },
        whyRejected: "A node that crashes leaves no word in the registry.",
        for: sight.citeProbe(node, `how ${node} answers the probe`),
        against: departed,
      },
    ],
    options: [
      {
        title: "Nothing, if it was meant to stop",
        steps: [`start ${node} again if it wasn't`],
        risk: "none",
        riskWhy: "Nothing is changed.",
        recommended: true,
        why: "It left by itself, in order.",
      },
    ],
    verify: [`${file.violation.invariant} of ${node} is retired, as the registry lists its departure.`],
    missing: [`who stopped ${node}, and why`],
  });
}

/** The snapshot that is said to show it down shows it up. */
function notBorneOut(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const grounds = sight.citeProbe(node, `${node} answers in the very snapshot that is said to show it down`);
  return answerOf(file, citations, {
    verdict: "no_fault",
    headline: `${node} answers: the evidence doesn't bear out that it is down`,
    rootCauses: [{ category: "none", target: node, mechanism: "The snapshot cited shows it up.", evidence: grounds }],
    confidence: 0.7,
    alternatives: [],
    options: [
      {
        title: "Nothing at the subject",
        steps: [`operator status shows how ${node} is now`],
        risk: "none",
        riskWhy: "It only reads.",
        recommended: true,
        why: "Nothing shows that it is broken.",
      },
    ],
    verify: [howItClears(file)],
    missing: ["why the checker said otherwise"],
  });
}

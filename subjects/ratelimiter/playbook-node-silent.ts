import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import { faultOfNode, networkAlternative, redisAlternative, restartOf } from "./playbook-node-fault.ts";
import { seconds, type Sight } from "./playbook-sight.ts";

/** Without a heartbeat for so long (three of them), a node isn't doing its work. */
const heartbeatStaleMs = 3_000;

/** A node that neither answers nor refuses: it hangs, it is gone with its address, or its network is. */
export function silentNode(sight: Sight): Answer {
  const { file, citations } = sight;
  const node = file.violation.target;
  const closed = sight.text("parts", "probe", node, "code") === "TIMEOUT_CLOSED";
  const ageMs = sight.heartbeatAgeMs(node);
  const stale = ageMs !== undefined && ageMs >= heartbeatStaleMs;
  const others = [...sight.otherNodes(node), sight.redis];
  const answering = sight.citeProbes(others, "up", (other) => `${other} answers the same observer at the same time`);
  const heartbeat = citations.cite(
    ageMs === undefined ? "the node's last heartbeat" : `the node's last heartbeat, ${seconds(ageMs)} old then`,
    "first_bad",
    "parts",
    "registry",
    "cluster",
    "nodes",
    node,
    "heartbeatAtMs",
  );
  const grounds = [
    ...sight.citeProbe(node, `${node} takes no notice: questions get no answer in time, and no refusal either`),
    ...citations.cite("how the questions failed", "first_bad", "parts", "probe", node, "code"),
    ...citations.cite("its last answer", "first_bad", "parts", "probe", node, "lastAnswerAtMs"),
    ...sight.citeProbe(node, `${node} answered in the snapshot before`, "last_good"),
    ...answering,
    ...(stale ? heartbeat : []),
  ];
  if (answering.length === 0) return nothingAnswers(sight, grounds);
  const rest = {
    missing: [
      `the state of the process of ${node} on its host (stopped, waiting for a disk, busy): not among the operator's sources`,
      ...(stale || closed
        ? []
        : [`whether ${node}'s heartbeat goes on: in the first bad snapshot it could not be overdue yet`]),
    ],
  };
  const network = networkAlternative(
    sight,
    stale
      ? `${node} doesn't renew its entry in Redis either, by a path of its own; a path lost between the observer and ${node} alone wouldn't stop that.`
      : `Not excluded: the others answer over the same network, so at most ${node}'s own path is lost. If its heartbeat goes on, this is the cause.`,
    stale ? heartbeat : [],
  );
  if (closed) {
    return faultOfNode(sight, grounds, {
      ...rest,
      headline: `${node} is gone: its connection closed and its address answers no more`,
      category: "crashed",
      mechanism: `The connection to ${node} was closed, and a new one gets no answer, as when a machine or a container ends with its address. Others answer, so the observer sees well.`,
      confidence: 0.8,
      proposals: [restartOf(node)],
      alternatives: [
        {
          cause: { category: "hung", target: node },
          whyRejected: `A hung process doesn't close its connections; ${node}'s was closed.`,
          for: [],
          against: citations.cite("how the questions failed", "first_bad", "parts", "probe", node, "code"),
        },
        network,
        redisAlternative(sight),
      ],
    });
  }
  return faultOfNode(sight, grounds, {
    ...rest,
    headline: `${node} hangs: it neither answers nor refuses`,
    category: "hung",
    mechanism: `The process of ${node} is there and does nothing: it is stopped, or blocked. Its connection neither closed nor was refused, as it would be had it ended, and others answer, so the observer sees well.`,
    confidence: stale ? 0.9 : 0.75,
    alternatives: [
      {
        cause: { category: "crashed", target: node },
        whyRejected: `The port of a process that ended refuses; ${node}'s doesn't.`,
        for: [],
        against: sight.citeProbe(node, `${node} is silent`),
      },
      network,
      redisAlternative(sight),
    ],
  });
}

/** Nothing that is probed answers: one node's silence then says little about the node. */
function nothingAnswers(sight: Sight, grounds: EvidenceId[]): Answer {
  const { file } = sight;
  const node = file.violation.target;
  return faultOfNode(sight, grounds, {
    headline: `Nothing answers the observer, ${node} neither: a network or a whole host is the likelier cause`,
    category: "unreachable",
    mechanism: `${node} is silent, and no other member is seen to answer, so what they share is to blame before ${node} is: the network between them and the observer, or their host.`,
    confidence: 0.5,
    alternatives: [
      {
        cause: { category: "hung", target: node },
        whyRejected: `Not excluded, but several that hang at once are rarer than one lost network.`,
        for: sight.citeProbe(node, `${node} is silent`),
        against: [],
      },
    ],
    missing: ["a second observer elsewhere, which would tell a lost network from lost members"],
  });
}

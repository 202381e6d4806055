import type { CauseCategory } from "@operator/contracts/diagnosis";
import type { Finding } from "@operator/evidence/answer";
import type { Sight } from "./playbook-sight.ts";

type Option = Finding["options"][number];

/** What can be done about a node that doesn't answer: what its cause calls for, or to wait. */
export function nodeOptions(sight: Sight, category: CauseCategory, recovered: boolean): Option[] {
  return [remedyOf(sight.file.violation.target, category, recovered), waiting(sight, recovered)];
}

function remedyOf(node: string, category: CauseCategory, recovered: boolean): Option {
  const recommended = !recovered;
  if (category === "hung") {
    return {
      title: `Restart ${node}`,
      steps: [
        `on its host, look at the state of its process: T is stopped (kill -CONT lets it go on), D waits for a disk`,
        `if it doesn't go on, end the process of ${node} and start it again`,
      ],
      risk: "low",
      riskWhy: `Its counts are in Redis, so ${node} keeps nothing of its own. Requests that it holds are lost.`,
      recommended,
      why: "A stopped process doesn't go on by itself.",
    };
  }
  if (category === "unreachable") {
    return {
      title: `Look at the network and the host of ${node}`,
      steps: [`reach the host of ${node} by another way`, "look at its network and at what shares it"],
      risk: "none",
      riskWhy: "It only looks.",
      recommended,
      why: "A restart doesn't mend a network.",
    };
  }
  return {
    title: `Start ${node} again`,
    steps: [
      "look at why it ended: its exit code, the last lines of its log, the kernel's out-of-memory messages",
      `start the process of ${node}; it joins by its heartbeat`,
    ],
    risk: "low",
    riskWhy: `Its counts are in Redis, so ${node} keeps nothing of its own. If it ends for the same reason again, it comes back here.`,
    recommended,
    why: "Its share of the load rests on the others until then.",
  };
}

function waiting(sight: Sight, recovered: boolean): Option {
  const node = sight.file.violation.target;
  const up = sight.otherNodes(node).filter((other) => sight.probe(other) === "up").length;
  return {
    title: "Wait and let the other nodes carry the load",
    steps: [`send no traffic to ${node} meanwhile`],
    risk: up > 1 ? "low" : up === 1 ? "medium" : "high",
    riskWhy:
      up === 0
        ? "No other node is seen to answer, so nothing may be left to decide."
        : `Nodes that answer beside it: ${up}. They count against the same limits in Redis.`,
    recommended: recovered,
    why: recovered
      ? "It is well again; what is left is to find out why it happened."
      : up === 0
        ? "Only if nobody needs it now."
        : "Waiting loses capacity and nothing else.",
  };
}

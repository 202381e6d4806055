import type { Finding } from "@operator/evidence/answer";
import type { Sight } from "./playbook-sight.ts";

type Option = Finding["options"][number];

/** What can be done about Redis, by what became of it; `none`: it is well again. */
export function redisOptions(sight: Sight, fate: "crashed" | "hung" | "none"): Option[] {
  const wait: Option = {
    title: "Wait",
    steps: ["watch the share of decisions that the failure policy makes"],
    risk: fate === "none" ? "none" : "high",
    riskWhy:
      fate === "none"
        ? "Redis answers."
        : `Until Redis is back, limits don't hold or nothing is admitted.${policyOf(sight)}`,
    recommended: fate === "none",
    why:
      fate === "none"
        ? "It is well; what is left is to find out why it wasn't."
        : "Only if it is known to come back by itself.",
  };
  if (fate === "none") return [wait];
  if (fate === "crashed") {
    return [
      {
        title: "Start Redis again",
        steps: [
          "look at why it ended: its exit code, its log, the kernel's out-of-memory messages",
          "start it with the data folder that it had; the nodes connect again by themselves",
        ],
        risk: "medium",
        riskWhy: "What it hadn't saved is lost: each key may be admitted up to its limit once more.",
        recommended: true,
        why: "Nothing else gives the nodes their counts back.",
      },
      wait,
    ];
  }
  return [
    {
      title: "Let Redis go on",
      steps: [
        "on its host, look at the state of its process: T is stopped (kill -CONT lets it go on), D waits for a disk",
        "if it runs, look for a command that takes long, such as KEYS or a script",
      ],
      risk: "low",
      riskWhy: "It keeps its memory, so no count is lost.",
      recommended: true,
      why: "A Redis that goes on still has every count.",
    },
    {
      title: "Restart Redis",
      steps: ["end its process and start it again with the data folder that it had"],
      risk: "medium",
      riskWhy: "What it hadn't saved is lost: each key may be admitted up to its limit once more.",
      recommended: false,
      why: "Only if it doesn't go on.",
    },
    wait,
  ];
}

/** What the nodes' failure policy was seen to do. */
function policyOf(sight: Sight): string {
  const nodes = sight.otherNodes("redis");
  const sum = (key: string) =>
    nodes.reduce((total, node) => total + (sight.number("parts", "metrics", node, key) ?? 0), 0);
  const open = sum("byFailOpenPerS");
  const closed = sum("byFailClosedPerS");
  if (open === 0 && closed === 0) return "";
  return ` In the first bad snapshot the policy admitted ${open.toFixed(1)} and refused ${closed.toFixed(1)} requests a second.`;
}

import { defineAction } from "@operator/subject/action";
import { z } from "zod";
import { nodesOf, probeAndRegister } from "./action-nodes.ts";
import type { State } from "./state.ts";

const Parameters = z.strictObject({});

/** Starts a node whose process has ended. */
export const restartNode = defineAction<State, typeof Parameters>({
  name: "restart_node",
  title: "Start a node that isn't running",
  about:
    "Starts the process of a node that has ended without leaving the register. Right for a crash. It can't let a paused process go on, and mends neither a network nor Redis. Risk low: a node keeps nothing of its own, all counts are in Redis; started in vain it only ends again.",
  parameters: Parameters,
  risk: "low",
  targets: nodesOf,
  executeWithinMs: 30_000,
  verifyWithinMs: 90_000,
  coolDownMs: 60_000,
  takesOut: false,
  needs: probeAndRegister,
  guard: ({ state, target }) => {
    const probe = state.probe?.[target];
    if (probe?.state === "up") {
      return { code: "NODE_ANSWERS", message: `${target} answers (${probe.address}): there is nothing to start` };
    }
    if (state.registry?.["cluster"]?.members.includes(target)) return undefined;
    const message = `the register doesn't list ${target} as a member: it left on purpose, or isn't known`;
    return { code: "NODE_NOT_LISTED", message };
  },
  // It didn't answer when this was claimed, so an answer is a process that began after that.
  isDone: ({ state, target }) => {
    const probe = state.probe?.[target];
    return probe && probe.state === "up";
  },
  execute: async ({ target }, hands, signal) => {
    await hands.start(target, signal);
    return { effect: `the supervisor started ${target}` };
  },
});

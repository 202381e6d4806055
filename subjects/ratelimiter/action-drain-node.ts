import { defineAction } from "@operator/subject/action";
import { z } from "zod";
import { decidingNodes, nodesOf, probeAndRegister } from "./action-nodes.ts";
import { manage, ManagementFailure, nodeUrls } from "./management.ts";
import type { State } from "./state.ts";

/** With fewer beside it, one more fault stops the limiter. */
const othersMin = 2;

const Parameters = z.strictObject({});

/** Takes a node out of service in order. */
export const drainNode = defineAction<State, typeof Parameters>({
  name: "drain_node",
  title: "Take a node out of service in order",
  about:
    "Has a node leave the register, answer what it has been asked, and end. Right for a node that answers and decides wrongly: without the counts of Redis, or in another Redis than the rest. Undone by starting it again. Risk medium: the others carry its load, and at least two of them have to decide by Redis.",
  parameters: Parameters,
  risk: "medium",
  targets: nodesOf,
  executeWithinMs: 15_000,
  verifyWithinMs: 90_000,
  coolDownMs: 600_000,
  takesOut: true,
  needs: probeAndRegister,
  guard: ({ state, target }) => {
    const probe = state.probe?.[target];
    if (probe?.state !== "up") {
      const message = `${target} ${probe ? "doesn't answer" : "was never probed"}, so it can't be asked to leave`;
      return { code: "NODE_SILENT", message };
    }
    const others = decidingNodes(state).filter((node) => node !== target);
    if (others.length >= othersMin) return undefined;
    const message = `beside ${target} only ${others.join(", ") || "nobody"} decides by Redis: at least ${othersMin} have to stay`;
    return { code: "TOO_FEW_NODES", message };
  },
  isDone: ({ state, target }) => {
    const cluster = state.registry?.["cluster"];
    if (!cluster) return undefined;
    return Object.hasOwn(cluster.departed, target) && !cluster.members.includes(target);
  },
  execute: async ({ state, target }, { environment }, signal) => {
    const url = nodeUrls(environment, state).get(target);
    if (url === undefined) throw new ManagementFailure("MANAGEMENT_UNREACHABLE", `no address of ${target} is known`);
    await manage(
      environment,
      [url],
      { method: "POST", path: "drain" },
      z.object({ draining: z.literal(true) }),
      signal,
    );
    return { effect: `${target} was asked to leave: it ends within 5 s` };
  },
  undo: async ({ target }, hands, signal) => {
    await hands.start(target, signal);
    return `the supervisor started ${target} again`;
  },
});

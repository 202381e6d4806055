import type { ActionRefusal } from "@operator/subject/action";
import type { Need } from "@operator/subject/invariant";
import type { State } from "./state.ts";

/** The nodes that a state names: probed, or listed in the register. */
export function nodesOf({ probe, registry }: State): string[] {
  const probed = Object.keys(probe ?? {}).filter((target) => target !== "redis");
  return [...new Set([...probed, ...(registry?.["cluster"]?.members ?? [])])];
}

/** What has to be seen before anything is done to a node. */
export function probeAndRegister(node: string): Need[] {
  return [
    { source: "probe", target: node },
    { source: "registry", target: "cluster" },
  ];
}

/** The nodes that decide by Redis now: they answer, they reach Redis, and the register has them as up. */
export function decidingNodes(state: State): string[] {
  return nodesOf(state).filter(
    (node) =>
      state.probe?.[node]?.state === "up" &&
      state.metrics?.[node]?.redisConnected === true &&
      state.registry?.["cluster"]?.nodes[node]?.status === "up",
  );
}

/** Refused where no node could carry it out. */
export function needsANode(state: State): ActionRefusal | undefined {
  if (decidingNodes(state).length > 0) return undefined;
  return { code: "NO_NODE_DECIDES", message: "no node answers and reaches Redis now, so none can carry it out" };
}

/** The addresses to ask, those of nodes that decide first. */
export function preferred(urls: ReadonlyMap<string, string>, state: State): string[] {
  const deciding = new Set(decidingNodes(state));
  return [...urls].toSorted(([a], [b]) => Number(deciding.has(b)) - Number(deciding.has(a))).map(([, url]) => url);
}

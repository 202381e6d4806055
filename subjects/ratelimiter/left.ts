import type { Departure } from "@operator/subject/invariant";
import { keyOfTarget } from "./key-target.ts";
import type { State } from "./state.ts";

/** The registry lists the node as departed, and no longer as a member: it said goodbye itself. */
export const nodeLeft: Departure<State> = {
  needs: () => [{ source: "registry", target: "cluster" }],
  says: ({ registry }, node) => {
    const cluster = registry?.["cluster"];
    return cluster !== undefined && Object.hasOwn(cluster.departed, node) && !cluster.members.includes(node);
  },
};

/** No limit is stored for the key any more, nor declared: nothing is promised of it. */
export const keyLeft: Departure<State> = {
  needs: () => [{ source: "limits", target: "cluster" }],
  says: ({ limits }, target) => {
    const key = keyOfTarget(target);
    const cluster = limits?.["cluster"];
    return key !== undefined && cluster !== undefined && !cluster.watched.includes(key);
  },
};

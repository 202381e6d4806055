import type { TargetName } from "@operator/contracts/names";
import type { Detail } from "@operator/contracts/violation";

/** A part of a subject and what it depends on. */
export interface TopologyTarget {
  name: string;
  /** e.g. `node`, `redis`. */
  kind: string;
  dependsOn: string[];
}

/** A violation as far as explanations look at it. */
export interface Symptom {
  invariant: string;
  target: TargetName | string;
  detail: Detail;
}

/** So long after its cause ended, a symptom still counts as its symptom: what broke needs time to recover. */
export const tailMs = 30_000;

/** Which violation explains which: while `cause` fires, `effect` opens no ticket of its own. */
export interface Explanation {
  cause: string;
  effect: string;
  /** How long it explains after the cause ended, where the recovery takes longer to be seen than 30 s. */
  tailMs?: number;
  joins: (cause: Symptom, effect: Symptom) => boolean;
  why: string;
}

/** Who depends on whom in a subject. */
export interface Topology<State> {
  targets: (state: State) => TopologyTarget[];
  explanations: Explanation[];
}

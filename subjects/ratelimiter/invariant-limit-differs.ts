import { toPointer } from "@operator/contracts/json";
import type { Invariant } from "@operator/subject/invariant";
import { keyLeft } from "./left.ts";
import type { State } from "./state.ts";

interface KeyLimit {
  limit: number;
  windowMs: number;
}

/** What is declared for a key is what nodes apply to it: no more, and no less. */
export const limitDiffers: Invariant<State> = {
  name: "limit_differs",
  title: "Nodes apply the declared limit",
  severity: "warning",
  graceMs: 15_000,
  worstDetectionMs: 21_000,
  limit: "the key's declared limit",
  why: "A limit that is too low turns callers away who were promised more, and no window is ever too full; one that is too high may harm nobody yet. The limit that each node says it applies, and the one that is stored, are held against the declared one; a key of which nothing is declared has no wrong limit. Nodes read a change within a second, and one that starts applies its default until it has read them; 15 s is also longer than over_admission and ghost_allowing take to be found, which would explain it.",
  targets: ({ counters = {} }) => Object.keys(counters).filter((target) => counters[target]?.declared),
  needs: (target) => [{ source: "counters", target }],
  judge: (state, target) => {
    const reading = state.counters?.[target];
    if (!reading?.declared) return { verdict: "unknown", reason: `no limit of ${target} is declared that was read` };
    const { declared, stored, applied, silent, key } = reading;
    const wanted = written(declared);
    const pointers = ["applied", "stored", "declared"].map((field) => toPointer(["parts", "counters", target, field]));
    const other = applied.find((one) => written(one) !== wanted);
    const wrong = other ?? (stored && written(stored) !== wanted ? stored : undefined);
    if (wrong) {
      const value = written(wrong);
      const where = other ? `${other.nodes.join(", ")} apply` : "what is stored is";
      return {
        verdict: "violated",
        reason: `${where} ${value} to ${key}, declared is ${wanted}`,
        value,
        detail: { kind: "state", value, expected: wanted },
        pointers: stored ? pointers : pointers.filter((pointer) => !pointer.endsWith("/stored")),
      };
    }
    if (silent.length > 0 || applied.length === 0) {
      return {
        verdict: "unknown",
        reason: `${silent.join(", ") || "no node"} didn't say which limit applies to ${key}`,
      };
    }
    return { verdict: "ok", reason: `every node applies ${wanted} to ${key}`, value: wanted, pointers };
  },
  left: keyLeft,
};

function written({ limit, windowMs }: KeyLimit): string {
  return `${limit} in ${windowMs} ms`;
}

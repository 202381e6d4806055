import type { Json } from "@operator/contracts/json";
import { leavesOf } from "./leaves.ts";
import { canonicalJson } from "./quote.ts";

/** One place where two documents differ; `before` or `after` is absent where nothing stood. */
export interface Difference {
  pointer: string;
  before?: Json;
  after?: Json;
}

/** Where two documents differ, by JSON pointer, sorted. Looks at no more than `leavesMax` values of each. */
export function differencesOf(before: Json, after: Json, leavesMax: number): Difference[] {
  const old = leavesOf(before, leavesMax);
  const now = leavesOf(after, leavesMax);
  const differences: Difference[] = [];
  for (const pointer of new Set([...old.keys(), ...now.keys()])) {
    const was = old.get(pointer);
    const is = now.get(pointer);
    if (was !== undefined && is !== undefined && canonicalJson(was) === canonicalJson(is)) continue;
    differences.push({
      pointer,
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
    });
  }
  return differences.sort((a, b) => (a.pointer < b.pointer ? -1 : 1));
}

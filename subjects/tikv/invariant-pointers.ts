import { toPointer } from "@operator/contracts/json";
import type { State } from "./state.ts";

/**
 * JSON pointers to fields of a reading, e.g. `state` or `blamedBy/store-4/score`. What a rule points at comes first in the
 * case file, whatever else is left out of it: so rules also point at what tells their causes apart.
 */
export function pointersTo(source: keyof State, target: string, ...fields: string[]): string[] {
  return fields.map((field) => toPointer(["parts", source, target, ...field.split("/")]));
}

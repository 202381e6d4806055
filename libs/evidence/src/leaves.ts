import type { Json } from "@operator/contracts/json";
import { toPointer } from "@operator/contracts/json";

const levelsMax = 16;
const listMax = 20;
/** Longer than this no value can be quoted. */
export const leafCharsMax = 400;

type Order = "sorted" | "own";

/**
 * A document's smallest citable values by JSON pointer, keys sorted unless their own order is wanted: scalars, empty containers, and short lists of
 * scalars, which only mean something whole; the items of a list that is too long to be quoted. At most `leavesMax`.
 */
export function leavesOf(
  document: Json,
  leavesMax: number,
  { path = [], order = "sorted" }: { path?: readonly string[]; order?: Order } = {},
): Map<string, Json> {
  const leaves = new Map<string, Json>();
  const visit = (value: Json, path: readonly string[]): void => {
    if (leaves.size >= leavesMax) return;
    if (isLeaf(value) || path.length >= levelsMax) {
      leaves.set(toPointer(path), value);
      return;
    }
    for (const key of keysOf(value, order)) {
      const child = childOf(value, key);
      // An optional field of a parsed message may be there as `undefined`; on the wire it isn't.
      if (child !== undefined) visit(child, [...path, key]);
    }
  };
  visit(document, path);
  return leaves;
}

function isLeaf(value: Json): boolean {
  if (value === null || typeof value !== "object") return true;
  if (!Array.isArray(value)) return Object.keys(value).length === 0;
  if (value.length > listMax || value.some((each) => each !== null && typeof each === "object")) return false;
  return JSON.stringify(value).length <= leafCharsMax;
}

function keysOf(value: Json, order: Order): string[] {
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return [...value.keys()].map(String);
  return order === "own" ? Object.keys(value) : Object.keys(value).sort();
}

function childOf(value: Json, key: string): Json | undefined {
  if (value === null || typeof value !== "object") return undefined;
  return Array.isArray(value) ? value[Number(key)] : value[key];
}

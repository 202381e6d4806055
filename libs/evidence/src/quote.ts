import type { Json } from "@operator/contracts/json";
import { plainText } from "./telemetry.ts";

const quoteCharsMax = 500;

/** How a fact's value is quoted: a text as it is, anything else as JSON with sorted keys; without control characters, at most 500 characters. */
export function quoteOf(value: Json): string {
  return plainText(typeof value === "string" ? value : canonicalJson(value), quoteCharsMax);
}

/** JSON with sorted keys: two values are the same when their texts are. The caller bounds the depth. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${entries.join(",")}}`;
}

/** Does a value nest deeper than this? Walks without recursion, so that a hostile value can't exhaust the stack. */
export function isDeeperThan(value: unknown, levelsMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levelsMax) return true;
    level = level.flatMap((each) => (each !== null && typeof each === "object" ? Object.values(each) : []));
  }
  return false;
}

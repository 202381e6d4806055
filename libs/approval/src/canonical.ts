import type { Json } from "@operator/contracts/json";

/**
 * One text for one value, after RFC 8785: keys sorted by their UTF-16 units, no spaces, numbers as JavaScript writes
 * them. So a signature is over what was meant, whoever wrote the JSON.
 */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}

import { z } from "zod";

/**
 * Parses PD's JSON. PD writes ids and nanoseconds as numbers past 2^53, which a JS number would silently change: a whole
 * number of 16 digits or more comes out as text. Throws a SyntaxError for what is no JSON.
 */
export function parsePdJson(text: string): unknown {
  return JSON.parse(text.replace(stringOrLongNumber, (found) => (found.startsWith('"') ? found : `"${found}"`)));
}

/** Strings are matched as well, so that digits within them are passed over. */
const stringOrLongNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.])-?\d{16,}(?![\d.eE])/gs;

/** A uint64 as text, whether PD's number was long or short. */
export const PdId = z.union([
  z
    .int()
    .nonnegative()
    .transform((id) => String(id)),
  z.string().regex(/^\d{1,20}$/, { error: "a uint64" }),
]);

/** What a body for PD is made of; an id is a bigint, e.g. `BigInt(storeId)`. */
type Exact = string | number | boolean | bigint | null | Exact[] | { [key: string]: Exact };

/** JSON in which a bigint is a number with all of its digits. */
export function exactJson(value: Exact): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(exactJson).join(",")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([key, inner]) => `${JSON.stringify(key)}:${exactJson(inner)}`)
      .join(",")}}`;
  return JSON.stringify(value);
}

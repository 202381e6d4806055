import { z } from "zod";

/** Any JSON value, nested no deeper than any reading is: what is read whole is walked whole, and a walk has a limit. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** A walk of our own: Zod's recursive schema guards against cycles, which takes most of the time of reading a snapshot. */
export const Json = z.custom<Json>((value) => isJson(value, 0), {
  error: "is no JSON, or nested deeper than 64 levels",
});

const depthMax = 64;

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth >= depthMax) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((item) => isJson(item, depth + 1));
}

/** The value that an RFC 6901 pointer names in a document, or undefined where it names none. */
export function atPointer(document: unknown, pointer: string): unknown {
  if (pointer === "") return document;
  let here: unknown = document;
  for (const part of pointer.slice(1).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(here)) here = /^(0|[1-9]\d*)$/.test(key) ? here[Number(key)] : undefined;
    else if (here !== null && typeof here === "object" && Object.hasOwn(here, key))
      here = Object.entries(here).find(([name]) => name === key)?.[1];
    else return undefined;
  }
  return here;
}

/** The RFC 6901 pointer of a path of keys. */
export function toPointer(path: readonly (string | number)[]): string {
  let pointer = "";
  for (const key of path) pointer += `/${escaped(String(key))}`;
  return pointer;
}

/** Few keys need it, and rules on a thousand targets make tens of thousands of pointers a second. */
function escaped(key: string): string {
  return /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}

import { z } from "zod";

/** Any JSON value. */
export const Json = z.json();
export type Json = z.infer<typeof Json>;

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
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

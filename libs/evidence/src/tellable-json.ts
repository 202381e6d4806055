import type { Json } from "@operator/contracts/json";
import { namesSecret, redact } from "./secrets.ts";
import { plainText } from "./telemetry.ts";

const textCharsMax = 400;
const keyCharsMax = 128;
const levelsMax = 12;

/** A document from outside as it may be told. `leftOut`: so many values had no room. */
export interface Tellable {
  value: Json;
  leftOut: number;
}

/**
 * A document from outside as it may be told: its texts plain and short, without what looks like a secret, in at most
 * `bytesMax` bytes of JSON. What comes after the last value that has room is left out, so what's there is in its place.
 */
export function tellableJson(
  document: Json,
  { bytesMax, secrets }: { bytesMax: number; secrets: readonly string[] },
): Tellable {
  const room = { bytes: bytesMax, leftOut: 0 };
  const value = told(document, room, secrets, 0);
  return { value: value ?? null, leftOut: room.leftOut };
}

interface Room {
  bytes: number;
  leftOut: number;
}

/** Undefined: it has no room. */
function told(value: Json, room: Room, secrets: readonly string[], level: number): Json | undefined {
  if (value === null || typeof value !== "object") {
    const scalar = typeof value === "string" ? plainText(redact(value, secrets), textCharsMax) : value;
    return takes(room, bytesOf(scalar)) ? scalar : undefined;
  }
  if (level > levelsMax) {
    room.leftOut += 1;
    // In its place, as those after it have theirs.
    return null;
  }
  if (!takes(room, "{}".length)) return undefined;
  if (Array.isArray(value)) {
    return value.flatMap((each) => {
      const item = takes(room, ",".length) ? told(each, room, secrets, level + 1) : undefined;
      return item === undefined ? [] : [item];
    });
  }
  const entries = Object.entries(value).flatMap(([name, each]): [string, Json][] => {
    const key = plainText(redact(name, secrets), keyCharsMax);
    // An object key of this name would set the prototype of what is made of it.
    if (key === "__proto__" || !takes(room, bytesOf(key) + ":,".length)) return [];
    const field = told(namesSecret(name) ? "[secret]" : each, room, secrets, level + 1);
    return field === undefined ? [] : [[key, field]];
  });
  return Object.fromEntries(entries);
}

/** After the first that has no room nothing has. */
function takes(room: Room, bytes: number): boolean {
  if (bytes <= room.bytes) {
    room.bytes -= bytes;
    return true;
  }
  room.bytes = 0;
  room.leftOut += 1;
  return false;
}

function bytesOf(scalar: string | number | boolean | null): number {
  return Buffer.byteLength(JSON.stringify(scalar));
}

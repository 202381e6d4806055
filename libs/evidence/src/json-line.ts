import { redact } from "./secrets.ts";
import { plainText } from "./telemetry.ts";

const textCharsMax = 400;

/** A value from outside as one line of JSON for a model: its texts plain, short, without what looks like a secret, and without a `<`. */
export function jsonLine(value: unknown, secrets: readonly string[]): string {
  const clean = (_: string, each: unknown) =>
    typeof each === "string" ? plainText(redact(each, secrets), textCharsMax) : each;
  return JSON.stringify(value, clean).replaceAll("<", "\\u003c");
}

/** A time as people write it; as it is where it's none. */
export function isoTime(atMs: number): string {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? String(atMs) : date.toISOString();
}

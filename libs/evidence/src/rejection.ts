import type { Rejection } from "@operator/contracts/diagnosis";

/** A refusal with the place in the diagnosis that it is about; bounded, as its texts quote hostile input. */
export function reject(code: string, path: string, message: string): Rejection {
  return { code, path: path.slice(0, 200), message: message.slice(0, 500) };
}

/** A value of the diagnosis within a message: it is hostile, so it's quoted and short. */
export function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? "nothing";
}

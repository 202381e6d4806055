import type { KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { readPrivateKey } from "@operator/approval/keys";
import type { KeyId } from "@operator/contracts/approval";
import { CliError } from "./cli-error.ts";

/** A person's private key. One that others can read is refused, as whoever has it can approve in their name. */
export function readKeyFile(file: string): { key: KeyId; privateKey: KeyObject } {
  let pem: string;
  let mode: number;
  try {
    pem = readFileSync(file, "utf8");
    ({ mode } = statSync(file));
  } catch (error) {
    throw new CliError(
      "KEY_UNUSABLE",
      `the key "${file}" can't be read (${wordsOf(error)}): operator keys new makes one`,
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new CliError(
      "KEY_UNUSABLE",
      `the key "${file}" can be read by others than its owner (mode ${(mode & 0o777).toString(8)}): if it was private all the time, chmod 600; else make a new one`,
    );
  }
  try {
    return readPrivateKey(pem);
  } catch (error) {
    throw new CliError(
      "KEY_UNUSABLE",
      `"${file}" is no private key to sign with (${wordsOf(error)}): Ed25519 as PEM is wanted`,
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

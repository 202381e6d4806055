import { statSync } from "node:fs";
import { ApproversError, readApprovers } from "@operator/approval/approvers-file";
import type { Approver } from "@operator/approval/keys";
import type { Logger } from "@operator/service/log";

/**
 * The file of public keys, read again when it changes. A file that is missing or can't be used means that nobody may
 * approve anything, which is said once.
 */
export function approversOf(file: string | undefined, log: Logger): () => readonly Approver[] {
  let stamp: string | undefined;
  let approvers: readonly Approver[] = [];
  return () => {
    const now = file === undefined ? "none" : stampOf(file);
    if (now === stamp) return approvers;
    stamp = now;
    approvers = [];
    if (file === undefined) {
      log.warn("no OPERATOR_APPROVERS_FILE: nobody can approve anything");
      return approvers;
    }
    try {
      approvers = readApprovers(file);
      log.info({ file, approvers: approvers.map(({ name, key, risks }) => ({ name, key, risks })) }, "approvers");
    } catch (error) {
      if (!(error instanceof ApproversError)) throw error;
      log.error({ file, code: error.code, why: error.message }, "nobody can approve anything");
    }
    return approvers;
  };
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino, mode } = statSync(file);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino} ${mode}`;
  } catch (error) {
    return String(error);
  }
}

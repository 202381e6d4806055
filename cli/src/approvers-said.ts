import { ApproversError } from "@operator/approval/approvers-file";
import { CliError } from "./cli-error.ts";

/** What goes wrong with the approvers' file, as the command says it. */
export function said<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof ApproversError)) throw error;
    const failure = error.code === "APPROVER_EXISTS" ? "KEY_EXISTS" : "APPROVERS_UNUSABLE";
    throw new CliError(failure, error.message, { code: error.code });
  }
}

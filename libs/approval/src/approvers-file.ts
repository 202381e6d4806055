import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Approver, ApproverFile } from "./keys.ts";

/** The approvers' file can't be used: `code` is of the catalogue, the message names the file and says what to do. */
export class ApproversError extends Error {
  readonly code: "APPROVERS_MISSING" | "APPROVERS_UNREADABLE" | "APPROVERS_EXPOSED" | "APPROVER_EXISTS";

  constructor(code: ApproversError["code"], message: string) {
    super(message);
    this.name = "ApproversError";
    this.code = code;
  }
}

/** Who may approve what. Throws an `ApproversError`; a file that others can write is none: they could add themselves. */
export function readApprovers(file: string): Approver[] {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(file, "utf8");
    ({ mode } = statSync(file));
  } catch (error) {
    if (isMissing(error)) throw new ApproversError("APPROVERS_MISSING", `there is no approvers' file "${file}"`);
    throw unreadable(file, wordsOf(error));
  }
  if ((mode & 0o022) !== 0) {
    throw new ApproversError(
      "APPROVERS_EXPOSED",
      `the approvers' file "${file}" can be written by others than its owner (mode ${(mode & 0o777).toString(8)}): look who is in it, then chmod 600`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unreadable(file, "it isn't JSON");
  }
  const parsed = ApproverFile.safeParse(json);
  if (parsed.success) return parsed.data.approvers;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the document"}: ${message}`);
  throw unreadable(file, wrong.join("; "));
}

/** Adds one to the file, which is made when there's none, readable by its owner alone. A name stands for one key. */
export function addApprover(file: string, approver: Approver): void {
  // The draft is also the lock: of two who add at the same time one would be lost.
  const draft = `${file}.draft`;
  try {
    writeFileSync(draft, "", { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw unreadable(file, `"${draft}" can't be made (${wordsOf(error)}); remove it when nobody is writing it`);
  }
  try {
    const approvers = readOrNone(file);
    const taken = approvers.find(({ name, key }) => name === approver.name || key === approver.key);
    if (taken) {
      throw new ApproversError(
        "APPROVER_EXISTS",
        `"${file}" has an approver "${taken.name}" already (key ${taken.key}): take another name, or take that one out`,
      );
    }
    const content = ApproverFile.parse({ approvers: [...approvers, approver] });
    writeFileSync(draft, `${JSON.stringify(content, undefined, 2)}\n`);
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

function readOrNone(file: string): Approver[] {
  try {
    return readApprovers(file);
  } catch (error) {
    if (error instanceof ApproversError && error.code === "APPROVERS_MISSING") return [];
    throw error;
  }
}

function unreadable(file: string, why: string): ApproversError {
  return new ApproversError("APPROVERS_UNREADABLE", `the approvers' file "${file}" can't be used: ${why}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

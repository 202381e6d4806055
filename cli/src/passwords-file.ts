import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { drawSecret, passwordsOf } from "@operator/bus/passwords";
import { userNames } from "@operator/bus/permissions";
import type { UserName } from "@operator/contracts/channel";
import { z } from "zod";
import { CliError } from "./cli-error.ts";

/** The passwords of the bus's users, as a JSON file holds them. */
export type Passwords = Partial<Record<UserName, string>>;

const Passwords = z.partialRecord(z.enum(userNames), z.string().min(1).max(500));

/** The passwords in a file; none when there's no such file. */
export function readPasswords(file: string): Passwords {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new CliError("FILE_UNREADABLE", `the passwords file "${file}" can't be read: ${wordsOf(error)}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new CliError(
      "FILE_UNREADABLE",
      `the passwords file "${file}" isn't JSON: {"<user>": "<password>", …} is wanted`,
    );
  }
  const parsed = Passwords.safeParse(json);
  if (parsed.success) return parsed.data;
  // Paths and expectations only: a value would be a password.
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the document"}: ${message}`);
  throw new CliError(
    "FILE_UNREADABLE",
    `the passwords file "${file}" isn't as expected: ${wrong.join("; ")}; its users are ${userNames.join(", ")}`,
  );
}

/** All users' passwords, those that a file lacks drawn anew and written into it, readable by its owner alone. */
export function completePasswords(file: string): { passwords: Record<UserName, string>; drawn: UserName[] } {
  const given = readPasswords(file);
  const drawn = userNames.filter((user) => given[user] === undefined);
  const passwords = passwordsOf((user) => given[user] ?? drawSecret());
  // Also when none was drawn: the file may have been readable by others. Whole or not at all, so that none is lost.
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(passwords, undefined, 2)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new CliError("FILE_UNREADABLE", `the passwords file "${file}" can't be written: ${wordsOf(error)}`);
  }
  return { passwords, drawn };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

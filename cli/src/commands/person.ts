import { InvalidArgumentError } from "commander";
import { CliError } from "../cli-error.ts";
import type { Shell } from "../shell.ts";

/** Who is at the keyboard, where nobody said. A name that isn't signed proves nothing: it's for the history. */
export function personOf(shell: Pick<Shell, "env">): string {
  const name = shell.env["USER"] ?? shell.env["LOGNAME"];
  if (name === undefined || name.trim() === "" || name.length > 100) {
    throw new CliError("USAGE", "who says it? USER isn't set: name yourself by --by");
  }
  return name;
}

export function nameOfPerson(text: string): string {
  if (text.trim() === "" || text.length > 100) throw new InvalidArgumentError("1 to 100 characters are wanted");
  return text;
}

/** Why somebody does something, as `control` and the audit keep it. */
export function aReason(text: string): string {
  if (text.trim() === "" || text.length > 500) throw new InvalidArgumentError("1 to 500 characters are wanted");
  return text;
}

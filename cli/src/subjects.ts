import { SubjectName } from "@operator/contracts/names";
import { roomNames } from "@operator/subject/load";
import { CliError } from "./cli-error.ts";
import type { Context } from "./context.ts";
import { suggestion } from "./suggest.ts";

/** The subjects to show: the one named, else all that are watched, which the context says; without one, all rooms. */
export function subjectsOf(named: string | undefined, context: Context | undefined): SubjectName[] {
  const watched = context?.subjects ?? roomNames().map((room) => SubjectName.parse(room));
  if (named === undefined) return watched;
  const known = [...new Set([...watched, ...roomNames()])];
  if (!known.includes(named)) {
    throw new CliError(
      "SUBJECT_UNKNOWN",
      `no subject "${named}"${suggestion(named, known)}: there ${known.length === 1 ? "is" : "are"} ${known.join(", ") || "none"}`,
    );
  }
  return [SubjectName.parse(named)];
}

/** The one subject that a command is about. With several and none named it's never guessed. */
export function subjectOf(named: string | undefined, context: Context | undefined): SubjectName {
  const [first, ...others] = subjectsOf(named, context);
  if (first === undefined) {
    throw new CliError("SUBJECT_NEEDED", "no subject is known: name one by --subject");
  }
  if (others.length > 0) {
    throw new CliError("SUBJECT_NEEDED", `which subject? Name one by --subject: ${[first, ...others].join(", ")}`);
  }
  return first;
}

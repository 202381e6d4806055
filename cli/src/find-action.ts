import type { ActionId } from "@operator/contracts/action-id";
import { CliError } from "./cli-error.ts";
import { suggestion } from "./suggest.ts";

/** The action that somebody means: its whole id, or whole parts of it in a row that fit one action only. Never guessed. */
export function findAction(word: string, ids: readonly ActionId[]): ActionId {
  const exact = ids.find((id) => id === word);
  if (exact !== undefined) return exact;
  const wanted = `.${word.replace(/^\.+|\.+$/g, "")}.`;
  const [first, ...others] = ids.filter((id) => wanted !== ".." && `.${id}.`.includes(wanted));
  if (first === undefined) {
    const near = suggestion(word, [...ids, ...ids.map(withoutSubject)]);
    throw new CliError("ACTION_UNKNOWN", `no action "${word}"${near}: \`operator actions list --all\` lists them`);
  }
  if (others.length === 0) return first;
  const fitting = [first, ...others].sort();
  const shown = fitting.slice(0, 20).join(", ");
  throw new CliError(
    "ACTION_AMBIGUOUS",
    `"${word}" fits ${fitting.length} actions, say which: ${shown}${fitting.length > 20 ? ", …" : ""}`,
    { actions: fitting },
  );
}

function withoutSubject(id: string): string {
  return id.slice(id.indexOf(".") + 1);
}

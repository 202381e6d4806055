import { Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { Shell } from "../shell.ts";
import { safeText } from "../terminal/safe-text.ts";

export const yesOption = new Option("--yes", "sign without asking; where there is no terminal, nobody is asked");

/** Asks the person at the terminal before anything is signed. Throws unless the answer is yes. */
export async function mustSayYes(
  shell: Pick<Shell, "isTerminal" | "ask">,
  { yes }: { yes?: boolean },
  question: string,
): Promise<void> {
  if (!shell.isTerminal || yes) return;
  const answer = await shell.ask(`${safeText(question)} [yes/no] `);
  if (/^\s*y(es)?\s*$/i.test(answer)) return;
  throw new CliError("NOT_CONFIRMED", `"${answer.trim()}" isn't yes: nothing was signed`);
}

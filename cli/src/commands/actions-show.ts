import type { Command } from "commander";
import type { GlobalOptions } from "../connection.ts";
import { followAction } from "../follow-action.ts";
import { readAction } from "../read-actions.ts";
import { actionPage, stepLines } from "../screens/action-page.ts";
import { programName, type Shell } from "../shell.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ShowOptions extends GlobalOptions {
  follow?: boolean;
}

/** `operator actions show`. */
export function registerActionsShow(actions: Command, shell: Shell): void {
  onTheBus(
    actions
      .command("show")
      .summary("an action as a page")
      .description("An action as a page: what is to be done and why, what became of it, and what to type next.")
      .argument("<action>", "its id, or parts of it that fit one action only, e.g. node-a.1.1.1")
      .option("--follow", "go on with what becomes of it, until it's over or Ctrl-C"),
  ).action((word: string, options: ShowOptions) =>
    withBus(shell, options, async (bus) => {
      const action = await readAction(bus, word);
      const page = () => ({ nowMs: shell.nowMs(), columns: shell.columns, program: programName(shell.env) });
      show(shell, options, action, () => actionPage(action, page()));
      if (!options.follow) return;
      await followAction(bus, action, shell.signal, (now, before) =>
        show(shell, options, now, () => stepLines(now.steps.slice(before.steps.length), page())),
      );
    }),
  );
}

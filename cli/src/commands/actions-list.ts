import type { Command } from "commander";
import type { GlobalOptions } from "../connection.ts";
import { isOver, readActions } from "../read-actions.ts";
import { actionTable } from "../screens/action-table.ts";
import type { Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { atLeastOne } from "./numbers.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ListOptions extends GlobalOptions {
  subject?: string;
  all?: boolean;
  limit: number;
}

/** `operator actions list`. */
export function registerActionsList(actions: Command, shell: Shell): void {
  onTheBus(
    actions
      .command("list")
      .summary("the actions that aren't over, newest first")
      .description("The actions that are proposed, approved, or under way, the newest first.")
      .option("--subject <name>", "only this subject (default: all)")
      .option("--all", "also those that are over")
      .option("--limit <n>", "at most so many", atLeastOne, 20),
  ).action((options: ListOptions) =>
    withBus(shell, options, async (bus, context) => {
      const only = options.subject === undefined ? undefined : subjectsOf(options.subject, context)[0];
      const all = (await readActions(bus, only)).filter((action) => options.all === true || !isOver(action));
      const listed = all.slice(0, options.limit);
      const more = all.length - listed.length;
      show(shell, options, { actions: listed, more }, () => {
        if (listed.length === 0) return [[options.all ? "No actions." : "No actions wait or are under way."]];
        const lines = actionTable(listed, shell.nowMs(), shell.columns);
        return more === 0 ? lines : [...lines, [], [`and ${more} more: --limit ${all.length}`]];
      });
    }),
  );
}

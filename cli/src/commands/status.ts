import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import type { GlobalOptions } from "../connection.ts";
import { readStatus } from "../read-status.ts";
import { type Status, statusScreen } from "../screens/status-screen.ts";
import type { Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { toText } from "../terminal/page.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface StatusOptions extends GlobalOptions {
  subject?: string;
  watch?: boolean;
}

/** `operator status`: what do you watch, how is it now, why didn't it fire. */
export function registerStatus(program: Command, shell: Shell): void {
  onTheBus(program.command("status"))
    .summary("what is watched, how it is now, and why something didn't fire")
    .description(
      "Every invariant and target with its verdict, value against limit, since when, the grace left, how old its readings are, and what explains it; and the open tickets.",
    )
    .option("--subject <name>", "only this subject (default: all that are watched)")
    .option("--watch", "again every second, until Ctrl-C")
    .action((options: StatusOptions) =>
      withBus(shell, options, async (bus, context) => {
        const subjects = subjectsOf(options.subject, context);
        const read = () => readStatus(bus, subjects, shell.nowMs);
        if (!options.watch) {
          const status = await read();
          show(shell, options, status, () => statusScreen(status, shell.columns));
          return;
        }
        while (!shell.signal.aborted) {
          const status = await read();
          if (shell.isTerminal && !options.json) redraw(shell, status);
          else show(shell, options, status, () => [...statusScreen(status, shell.columns), []]);
          await wait(1_000, undefined, { signal: shell.signal }).catch(() => undefined);
        }
      }),
    );
}

/** Draws in place without a flash: each line over the old one, and what is left below is wiped. */
function redraw(shell: Shell, status: Status): void {
  const room = Math.max(4, shell.rows - 2);
  const page = statusScreen(status, shell.columns);
  const cut = page.length > room;
  const shown = cut ? [...page.slice(0, room - 1), [`… ${page.length - room + 1} lines more: operator status`]] : page;
  const lines = toText([...shown, [], ["Ctrl-C ends"]], shell.hasColour)
    .trimEnd()
    .split("\n");
  shell.out(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
}

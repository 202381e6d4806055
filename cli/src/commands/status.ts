import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import { toCliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { readStatus } from "../read-status.ts";
import { type Status, statusScreen } from "../screens/status-screen.ts";
import type { Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { timeOf } from "../terminal/ages.ts";
import { type Line, span, toText } from "../terminal/page.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface StatusOptions extends GlobalOptions {
  subject?: string;
  watch?: boolean;
}

/** `operator status`: what do you watch, how is it now, why didn't it fire. */
export function registerStatus(program: Command, shell: Shell): void {
  onTheBus(
    program
      .command("status")
      .summary("what is watched, how it is now, and why something didn't fire")
      .description(
        "Every invariant and target with its verdict, value against limit, since when, the grace left, how old its readings are, and what explains it; and the open tickets.",
      )
      .option("--subject <name>", "only this subject (default: all that are watched)")
      .option("--watch", "again every second, until Ctrl-C"),
  ).action((options: StatusOptions) =>
    withBus(shell, options, async (bus, context) => {
      const subjects = subjectsOf(options.subject, context);
      const read = () => readStatus(bus, subjects, shell.nowMs);
      if (!options.watch) {
        const status = await read();
        show(shell, options, status, () => statusScreen(status, shell.columns));
        return;
      }
      await watch(shell, options, read);
    }),
  );
}

/** Again every second. A bus that is away is said at once: an old picture that stays looks like a quiet system. */
async function watch(shell: Shell, options: StatusOptions, read: () => Promise<Status>): Promise<void> {
  let reading: Promise<Status> | undefined;
  let newest: Status | undefined;
  while (!shell.signal.aborted) {
    reading ??= read();
    const late = wait(answerWithinMs, undefined, { signal: shell.signal }).catch(() => undefined);
    const status = await Promise.race([reading, late]).catch((error: unknown): undefined => {
      if (toCliError(error).code !== "BUS_UNREACHABLE") throw error;
      reading = undefined;
    });
    if (status) {
      reading = undefined;
      newest = status;
    }
    draw(shell, options, status, newest);
    await wait(1_000, undefined, { signal: shell.signal }).catch(() => undefined);
  }
  // Whatever is still under way ends with the connection.
  reading?.catch(() => undefined);
}

const answerWithinMs = 2_000;

function draw(shell: Shell, options: StatusOptions, status: Status | undefined, newest: Status | undefined): void {
  const message = "the bus doesn't answer: is nats-server running?";
  const away: Line[] = status
    ? []
    : [
        [span(`✖ ${message}`, "bad"), newest ? ` Below is what was known ${timeOf(newest.atMs, shell.nowMs())}.` : ""],
        [],
      ];
  const page = () => [...away, ...(newest ? statusScreen(newest, shell.columns) : [])];
  const document = status ?? { atMs: shell.nowMs(), error: { code: "BUS_UNREACHABLE", message } };
  if (shell.isTerminal && !options.json) redraw(shell, page());
  else show(shell, options, document, () => [...page(), []]);
}

/** Draws in place without a flash: each line over the old one, and what is left below is wiped. */
function redraw(shell: Shell, page: readonly Line[]): void {
  const room = Math.max(4, shell.rows - 2);
  const cut = page.length > room;
  const shown = cut ? [...page.slice(0, room - 1), [`… ${page.length - room + 1} more lines: operator status`]] : page;
  const lines = toText([...shown, [], [span("Ctrl-C ends", "dim")]], shell.hasColour)
    .trimEnd()
    .split("\n");
  shell.out(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
}

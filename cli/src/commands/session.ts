import type { Bus } from "@operator/bus/bus";
import { type Command, Option } from "commander";
import { connect, findConnection, type GlobalOptions, mustBeProvisioned } from "../connection.ts";
import type { Context } from "../context.ts";
import type { Shell } from "../shell.ts";
import { type Line, toText } from "../terminal/page.ts";
import { safeJson } from "../terminal/safe-text.ts";

const group = "Options of every command:";

/** Also of commands that need no bus. */
export const jsonOption = new Option("--json", "one JSON document; one per line where something is followed").helpGroup(
  group,
);

/** The options of every command that talks to the bus. */
export const sharedOptions = [
  new Option("--server <url>", "the NATS server, e.g. nats://127.0.0.1:4222").helpGroup(group),
  new Option(
    "--context <file>",
    "where url, passwords and subjects are read from: a file, or a name such as compose for .operator/compose/context.json (default: .operator/context.json)",
  ).helpGroup(group),
  jsonOption,
];

export function onTheBus(command: Command): Command {
  return sharedOptions.reduce((given, option) => given.addOption(option), command);
}

/** Connects as a person's command does, and closes in the end whatever happens. */
export async function withBus<Result>(
  shell: Shell,
  options: GlobalOptions,
  act: (bus: Bus, context: Context | undefined) => Promise<Result>,
): Promise<Result> {
  const connection = findConnection(shell, options, "cli");
  await using bus = await connect(shell, connection);
  await mustBeProvisioned(bus, connection);
  return await act(bus, connection.context);
}

/** Shows a result: as a page, or as the document that it's made of. */
export function show(shell: Shell, options: GlobalOptions, document: unknown, page: () => Line[]): void {
  shell.out(options.json ? `${safeJson(document)}\n` : toText(page(), shell.hasColour));
}

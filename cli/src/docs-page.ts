import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Argument, Command, Option } from "commander";
import { failures } from "./cli-error.ts";
import { sharedOptions } from "./commands/session.ts";
import { createProgram } from "./program.ts";

export const docsFile = join(import.meta.dirname, "..", "..", "docs", "cli.md");

/** `docs/cli.md` with the parts between its markers as the command itself says them: commands, and how each may fail. */
export function filledPage(page: string): string {
  const program = createProgram({
    env: {},
    root: "",
    out: () => {},
    err: () => {},
    ask: async () => "",
    isTerminal: false,
    hasColour: false,
    columns: 100,
    rows: 40,
    nowMs: () => 0,
    signal: new AbortController().signal,
  });
  const parts = { commands: commandsPart(program), options: table(sharedOptions), failures: failuresPart() };
  return Object.entries(parts).reduce((filled, [name, part]) => {
    const place = new RegExp(`(<!-- ${name}: .*? -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
    if (!place.test(filled)) throw new Error(`docs/cli.md has no place for its part "${name}"`);
    return filled.replace(place, (_, begin: string, end: string) => `${begin}\n${part}\n${end}`);
  }, page);
}

function commandsPart(program: Command): string {
  return leavesOf(program)
    .map((command) => {
      const own = command.options.filter((option) => !sharedOptions.includes(option));
      const shares = own.length < command.options.length;
      const facts = [
        command.description(),
        ...(command.registeredArguments.length + own.length > 0 ? ["", table(own, command.registeredArguments)] : [""]),
        ...(shares ? [] : ["Has none of the options of every command.\n"]),
      ];
      return [`### ${pathOf(command)}`, "", ...facts].join("\n");
    })
    .join("\n");
}

function table(options: readonly Option[], parameters: readonly Argument[] = []): string {
  const rows = options.map(({ flags, description, defaultValue, defaultValueDescription, mandatory, argChoices }) => {
    const byDefault = defaultValue === false ? undefined : defaultValue;
    const notes = [
      mandatory && "needed",
      argChoices && `one of ${argChoices.join(", ")}`,
      byDefault !== undefined && `default ${defaultValueDescription ?? String(byDefault)}`,
    ].filter((note) => typeof note === "string");
    return `| \`${flags}\` | ${cell(description)}${notes.length > 0 ? ` (${notes.join("; ")})` : ""} |`;
  });
  const named = parameters.map((argument) => `| \`<${argument.name()}>\` | ${cell(argument.description)} |`);
  return ["| | |", "|---|---|", ...named, ...rows, ""].join("\n");
}

function failuresPart(): string {
  const rows = Object.entries(failures)
    .toSorted(([, one], [, other]) => one.exit - other.exit)
    .map(([code, { exit, means }]) => `| ${exit} | \`${code}\` | ${means} |`);
  return ["| exit | code | means |", "|---|---|---|", ...rows, ""].join("\n");
}

/** The commands that do something, in the order of the help. */
function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "\\<");
}

// Run by itself it brings the page up to date.
if (import.meta.main) writeFileSync(docsFile, filledPage(readFileSync(docsFile, "utf8")));

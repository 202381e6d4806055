import { CommanderError } from "commander";
import { CliError, failures, toCliError } from "./cli-error.ts";
import { createProgram } from "./program.ts";
import type { Shell } from "./shell.ts";
import { paragraph, toText } from "./terminal/page.ts";
import { safeJson } from "./terminal/safe-text.ts";

/** Runs one command line and says how it ended: 0, or the exit code of the failure that was shown. */
export async function runCli(argv: readonly string[], shell: Shell): Promise<number> {
  try {
    await createProgram(shell).parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    // Whoever pressed Ctrl-C knows why it ended, but not whether the kill switch is engaged. (What follows or watches ends
    // well by itself.)
    const isKnown = !(error instanceof CliError && error.code === "NOT_ACKNOWLEDGED");
    if (shell.signal.aborted && isKnown) return 130;
    if (error instanceof CommanderError) {
      // Help that was asked for isn't a failure; help instead of a missing command is.
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") return failures.USAGE.exit;
    }
    const failure = error instanceof CommanderError ? usageOf(error) : toCliError(error);
    const { code, message, exitCode, details } = failure;
    const wantsJson = argv.slice(0, argv.indexOf("--") >>> 0).includes("--json");
    shell.err(
      wantsJson
        ? `${safeJson({ error: { code, message, ...details } })}\n`
        : toText(paragraph(`${message} [${code}]`, shell.columns), false),
    );
    if (code === "UNEXPECTED" && shell.env["OPERATOR_DEBUG"] && error instanceof Error) shell.err(`${error.stack}\n`);
    return exitCode;
  }
}

function usageOf(error: CommanderError): CliError {
  return new CliError("USAGE", error.message.replace(/^error: /, "").replaceAll("\n", " "));
}

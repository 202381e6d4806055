import type { Command } from "commander";
import { CliError, failures, toCliError } from "../cli-error.ts";
import { connect, findConnection, type GlobalOptions } from "../connection.ts";
import { examineBus, examineMachine } from "../examine.ts";
import { type Check, doctorReport } from "../screens/doctor-report.ts";
import type { Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { onTheBus, show } from "./session.ts";

/** `operator doctor`: is everything there that a command, a demo or a service needs? Changes nothing. */
export function registerDoctor(program: Command, shell: Shell): void {
  onTheBus(
    program
      .command("doctor")
      .summary("look at everything that must work, and say what to do where it doesn't")
      .description(
        "Looks at Node, nats-server and redis-server, the bus and its streams, who was heard on it lately, and dead letters. Changes nothing.",
      )
      .option("--subject <name>", "only this subject (default: all that are watched)"),
  ).action(async (options: GlobalOptions & { subject?: string }) => {
    const checks = [...(await examineMachine()), ...(await examineConnection(shell, options))];
    const isWell = checks.every(({ outcome }) => outcome !== "fail");
    show(shell, options, { ok: isWell, checks }, () => doctorReport(checks, shell.columns));
    const failed = checks.flatMap(({ name, outcome }) => (outcome === "fail" ? [name] : []));
    if (failed.length > 0) throw new CliError("DOCTOR_FAILED", `not well: ${failed.join(", ")}`);
  });
}

async function examineConnection(shell: Shell, options: GlobalOptions & { subject?: string }): Promise<Check[]> {
  const name = "bus";
  try {
    const connection = findConnection(shell, options, "cli");
    const subjects = subjectsOf(options.subject, connection.context);
    const started = performance.now();
    await using bus = await connect(shell, connection);
    const tookMs = Math.round(performance.now() - started);
    const says = `${connection.url} (from ${connection.urlFrom}) let "${connection.user}" in after ${tookMs} ms`;
    return [{ name, outcome: "ok", says }, ...(await examineBus(bus, subjects, shell.nowMs))];
  } catch (error) {
    const { code, message, exitCode } = toCliError(error);
    // A mistyped command is no finding.
    if (exitCode === failures.USAGE.exit || exitCode === failures.UNEXPECTED.exit) throw error;
    return [{ name, outcome: "fail", says: `${message} (${code})` }];
  }
}

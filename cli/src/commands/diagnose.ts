import { type Effort, efforts, modelPattern, usual } from "@operator/evidence/claude-request";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import type { Context } from "../context.ts";
import { readRequest } from "../read-request.ts";
import { readTicket } from "../read-tickets.ts";
import { requestPage } from "../screens/request-page.ts";
import { programName, type Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface DiagnoseOptions extends GlobalOptions {
  dryRun?: boolean;
  model: string;
  effort: Effort;
}

/** `operator diagnose`. */
export function registerDiagnose(program: Command, shell: Shell): void {
  onTheBus(
    program
      .command("diagnose")
      .summary("what would be sent to Claude for a ticket")
      .description(
        "Show the request that a diagnoser with a key would send to Claude for a ticket as it stands, with its size and what it would cost. Nothing is sent, no key is needed. Diagnosing itself is the diagnoser's work, which needs no command.",
      )
      .argument("<ticket>", "its id, or parts of it that fit one ticket only, e.g. node_down.node-a")
      .option("--dry-run", "needed: only show it")
      .option("--model <name>", "as the diagnoser's OPERATOR_CLAUDE_MODEL", nameOfModel, usual.model)
      .addOption(
        new Option("--effort <level>", "as the diagnoser's OPERATOR_CLAUDE_EFFORT")
          .choices(efforts)
          .default(usual.effort),
      ),
  ).action(async (word: string, options: DiagnoseOptions) => {
    if (!options.dryRun) {
      const program = programName(shell.env);
      throw new CliError(
        "USAGE",
        `a ticket is diagnosed by the diagnoser, without being told: \`${program} tickets show ${word}\` shows what it said; add --dry-run to see what would be sent to Claude`,
      );
    }
    await withBus(shell, options, async (bus, context) => {
      const ticket = await readTicket(bus, word);
      // Says so when there is no room for it.
      subjectsOf(ticket.subject, undefined);
      const { model, effort } = options;
      const { signal } = shell;
      const secrets = secretsOf(shell, context);
      const planned = await readRequest(bus, ticket, { model, effort, secrets, nowMs: shell.nowMs(), signal });
      show(shell, options, planned, () => requestPage(planned, shell.columns));
    });
  });
}

/** What this process knows that nobody else is to be told. The diagnoser hides its own, which can't be known here. */
function secretsOf({ env }: Shell, context: Context | undefined): string[] {
  const ours = ["OPERATOR_NATS_PASSWORD", "OPERATOR_NATS_PROVISION_PASSWORD", "ANTHROPIC_API_KEY"];
  return [...ours.map((name) => env[name]), ...Object.values(context?.passwords ?? {})].filter(
    (secret) => secret !== undefined,
  );
}

function nameOfModel(text: string): string {
  if (modelPattern.test(text)) return text;
  throw new InvalidArgumentError(`a model like ${usual.model} is wanted`);
}

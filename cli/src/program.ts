import { Command } from "commander";
import { registerActionsList } from "./commands/actions-list.ts";
import { registerActionsSay } from "./commands/actions-say.ts";
import { registerActionsShow } from "./commands/actions-show.ts";
import { registerAudit } from "./commands/audit.ts";
import { registerChaos } from "./commands/chaos.ts";
import { registerDeadLetters } from "./commands/dead-letters.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDeploy } from "./commands/deploy.ts";
import { registerDiagnose } from "./commands/diagnose.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerKeys } from "./commands/keys.ts";
import { registerKillSwitch } from "./commands/kill-switch.ts";
import { registerMode } from "./commands/mode.ts";
import { registerPolicy } from "./commands/policy.ts";
import { registerProvision } from "./commands/provision.ts";
import { registerSilence } from "./commands/silence.ts";
import { registerSnapshots } from "./commands/snapshots.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTicketsList } from "./commands/tickets-list.ts";
import { registerTicketsSay } from "./commands/tickets-say.ts";
import { registerTicketsShow } from "./commands/tickets-show.ts";
import type { Shell } from "./shell.ts";

/** The command with all its parts, each of a file in `commands/`. */
export function createProgram(shell: Shell): Command {
  const program = new Command("operator")
    .description("An AI operator for distributed systems: what it watches, what broke, why, and what to do.")
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: shell.out,
      writeErr: shell.err,
      getOutHelpWidth: () => shell.columns,
      getErrHelpWidth: () => shell.columns,
      getOutHasColors: () => shell.hasColour,
      getErrHasColors: () => false,
      // Said by `runCli`, in one form with all other errors.
      outputError: () => {},
    });
  registerStatus(program, shell);
  const tickets = program.command("tickets").description("the tickets, and a person's word about them");
  registerTicketsList(tickets, shell);
  registerTicketsShow(tickets, shell);
  registerTicketsSay(tickets, shell);
  registerDiagnose(program, shell);
  registerSilence(program, shell);
  const actions = program
    .command("actions")
    .description("what the operator would do, and a person's signed word about it");
  registerActionsList(actions, shell);
  registerActionsShow(actions, shell);
  registerActionsSay(actions, shell);
  registerMode(program, shell);
  registerKillSwitch(program, shell);
  registerKeys(program, shell);
  registerPolicy(program, shell);
  registerAudit(program, shell);
  registerChaos(program, shell);
  registerSnapshots(program, shell);
  registerDeadLetters(program, shell);
  registerDoctor(program, shell);
  registerProvision(program, shell);
  registerDeploy(program, shell);
  registerDemo(program, shell);
  return program;
}

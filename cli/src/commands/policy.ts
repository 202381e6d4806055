import { decisionOf, type Policy, PolicyError, readPolicy } from "@operator/approval/policy";
import type { SubjectName } from "@operator/contracts/names";
import { loadRoom } from "@operator/subject/load";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { readContext } from "../context.ts";
import { type DecidedAction, policyTable } from "../screens/policy-table.ts";
import type { Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { suggestion } from "../suggest.ts";
import { jsonOption, show } from "./session.ts";

interface TestOptions {
  /** Required, so the empty text stands for what can't happen. */
  policy?: string;
  subject?: string;
  json?: boolean;
}

/** `operator policy test`. Needs no bus: a policy is a file. */
export function registerPolicy(program: Command, shell: Shell): void {
  program
    .command("policy")
    .description("what may be done without asking, what never")
    .command("test")
    .summary("what a policy says of each action, and which of its lines says so")
    .description(
      "Read a policy as the actuator would, and say of each action that a room offers what the policy decides and by which line. A name that no room has is an error, as a line for it would never count.",
    )
    .requiredOption("--policy <file>", "the YAML file, for the actuator's OPERATOR_POLICY_FILE")
    .option("--subject <name>", "only this subject (default: all that are watched)")
    .addOption(jsonOption)
    .action(async (options: TestOptions) => {
      const policy = policyOf(options.policy ?? "");
      const subjects = subjectsOf(options.subject, readContext(undefined, shell.root)?.context);
      const actions = (await Promise.all(subjects.map((subject) => decidedOf(policy, subject)))).flat();
      await mustBeKnown(policy);
      const { perHourMax } = policy;
      show(shell, options, { actions, perHourMax }, () => policyTable(actions, perHourMax, shell.columns));
    });
}

function policyOf(file: string): Policy {
  try {
    return readPolicy(file);
  } catch (error) {
    if (error instanceof PolicyError) throw new CliError("POLICY_UNUSABLE", error.message, { code: error.code });
    throw error;
  }
}

async function decidedOf(policy: Policy, subject: SubjectName): Promise<DecidedAction[]> {
  const { actions } = await loadRoom(subject, "actions");
  return actions.map(({ name: action, title, risk }) => ({
    subject,
    action,
    title,
    risk,
    ...decisionOf(policy, { subject, action, risk }),
  }));
}

/** A mistyped `deny` would deny nothing. */
async function mustBeKnown({ subjects }: Policy): Promise<void> {
  for (const [name, { actions }] of Object.entries(subjects)) {
    const [subject] = subjectsOf(name, undefined);
    if (subject === undefined) continue;
    const known = (await loadRoom(subject, "actions")).actions.map((action) => action.name);
    const unknown = Object.keys(actions).find((action) => !known.includes(action));
    if (unknown === undefined) continue;
    throw new CliError(
      "POLICY_UNUSABLE",
      `subjects.${name}.actions names "${unknown}"${suggestion(unknown, known)}: ${name} has ${known.join(", ")}`,
    );
  }
}

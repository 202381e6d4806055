import type { Bus } from "@operator/bus/bus";
import { sign, statementMsMax } from "@operator/approval/sign";
import { ModeStatement } from "@operator/contracts/approval";
import type { Control } from "@operator/contracts/control";
import { type Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { changeControl, openControl, readControl } from "../control.ts";
import { readKeyFile } from "../key-file.ts";
import { validityOf } from "../read-validity.ts";
import { controlPage } from "../screens/control-page.ts";
import type { Shell } from "../shell.ts";
import { lengthOf } from "../terminal/ages.ts";
import { mustSayYes, yesOption } from "./confirm.ts";
import { durationBetween } from "./durations.ts";
import { registerStop } from "./kill-switch.ts";
import { aReason } from "./person.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ShowOptions extends GlobalOptions {
  approvers?: string;
}

interface ExecuteOptions extends GlobalOptions {
  /** Required, so the empty text stands for what can't happen. */
  key?: string;
  for: number;
  reason?: string;
  yes?: boolean;
}

/** `operator mode show|observe|execute`: whether actions may be executed at all. */
export function registerMode(program: Command, shell: Shell): void {
  const mode = program.command("mode").description("whether actions may be executed at all");
  onTheBus(
    mode
      .command("show")
      .summary("the mode, whether it counts, and what is in flight")
      .description(
        "The mode as it's written, what that comes to now, and what is in flight. Whether a signature counts only the approvers' file tells.",
      )
      .option("--approvers <file>", "check the signature against this approvers.json"),
  ).action((options: ShowOptions) =>
    withBus(shell, options, async (bus) => {
      const control = await readControl(await openControl(bus));
      const validity = validityOf(control, options.approvers, shell.nowMs());
      show(shell, options, { control, validity }, () => controlPage(control, validity, shell.nowMs(), shell.columns));
    }),
  );
  registerStop(
    mode
      .command("observe")
      .summary("no action is executed; the same as the kill switch")
      .description("No action is executed from now on. The same as `operator kill-switch`."),
    shell,
    "observe",
  );
  onTheBus(
    mode
      .command("execute")
      .summary("sign that approved actions may be executed, for a time")
      .description(
        "Sign that approved actions may be executed, in a new term: what was approved in an earlier one has to be approved anew.",
      )
      .requiredOption("--key <file>", "the private key to sign with, of `operator keys new --mode`")
      .addOption(
        new Option("--for <time>", "how long, 8h at most")
          .argParser(durationBetween(1_000, statementMsMax))
          .default(3_600_000, "1h"),
      )
      .option("--reason <text>", "why", aReason)
      .addOption(yesOption),
  ).action((options: ExecuteOptions) => withBus(shell, options, (bus) => execute(bus, shell, options)));
}

const writeWithinMs = 10_000;

async function execute(bus: Bus, shell: Shell, options: ExecuteOptions): Promise<void> {
  const { key, privateKey } = readKeyFile(options.key ?? "");
  const bucket = await openControl(bus);
  const { term } = await readControl(bucket);
  // Terms only grow for actuators: one that went back, or was removed, goes on above the highest that there was.
  const terms = (await bucket.writes(0)).flatMap((write) => ("value" in write ? [write.value.term] : []));
  const nextTerm = Math.max(term, ...terms) + 1;
  await mustSayYes(
    shell,
    options,
    `Sign that actions may be executed for ${lengthOf(options.for)}, in term ${nextTerm}?`,
  );
  const atMs = shell.nowMs();
  const statement = sign(
    ModeStatement.parse({
      purpose: "execute_mode",
      term: nextTerm,
      key,
      issuedAtMs: atMs,
      expiresAtMs: atMs + options.for,
    }),
    privateKey,
  );
  const reason = options.reason ?? "no reason was given";
  const next = (before: Control): Control => {
    // The kill switch came first: whoever signed didn't know of it.
    if (before.term !== term) {
      throw new CliError(
        "MODE_CHANGED",
        `${before.by} changed the mode meanwhile (${before.mode}, term ${before.term}: ${before.reason}): nothing was written; look at it, then sign anew`,
      );
    }
    const { inFlight } = before;
    return { mode: "execute", term: nextTerm, by: `key ${key}`, atMs, reason, statement, inFlight };
  };
  const { now } = await changeControl(bucket, next, { withinMs: writeWithinMs, signal: shell.signal });
  const validity = validityOf(now, undefined, shell.nowMs());
  show(shell, options, { control: now, validity }, () => controlPage(now, validity, shell.nowMs(), shell.columns));
}

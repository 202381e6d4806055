import type { Bus } from "@operator/bus/bus";
import { actionMsMax } from "@operator/approval/sign";
import type { ActionStatement } from "@operator/contracts/approval";
import { type Command, Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { openControl, readControl } from "../control.ts";
import { followAction } from "../follow-action.ts";
import { readKeyFile } from "../key-file.ts";
import { readAction } from "../read-actions.ts";
import { stepLines, whatLines } from "../screens/action-page.ts";
import { actionOf } from "../screens/action-words.ts";
import { sendApproval, statementOf } from "../send-approval.ts";
import type { Shell } from "../shell.ts";
import { lengthOf } from "../terminal/ages.ts";
import { paragraph, span, toText } from "../terminal/page.ts";
import { mustSayYes, yesOption } from "./confirm.ts";
import { durationBetween } from "./durations.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface SayOptions extends GlobalOptions {
  /** Required, so the empty text stands for what can't happen. */
  key?: string;
  expires: number;
  wait?: boolean;
  yes?: boolean;
}

/** `operator actions approve|reject|cancel`: a person's signed word, and what the actuator made of it. */
export function registerActionsSay(actions: Command, shell: Shell): void {
  const say = (name: "approve" | "reject" | "cancel", summary: string, description: string) => {
    const command = actions
      .command(name)
      .summary(summary)
      .description(description)
      .argument("<action>", "its id, or parts of it that fit one action only, e.g. node-a.1.1.1")
      .requiredOption("--key <file>", "the private key to sign with, of `operator keys new`")
      .addOption(
        new Option("--expires <time>", "how long the word counts, 15m at most")
          .argParser(durationBetween(1_000, actionMsMax))
          .default(actionMsMax, "15m"),
      )
      .addOption(yesOption);
    if (name === "approve") command.option("--wait", "until the action is over: 0 only when it's verified");
    onTheBus(command).action((word: string, options: SayOptions) =>
      withBus(shell, options, (bus) => sayOf(bus, shell, word, `${name}_action`, options)),
    );
  };
  say(
    "approve",
    "sign that an action may be executed",
    "Approve an action: exactly this one, with these parameters and this evidence, in this term of the mode. Shows what is signed, and waits for the actuator's answer.",
  );
  say("reject", "sign that a proposed action isn't wanted", "Reject an action that is proposed.");
  say(
    "cancel",
    "sign that an approved action is called off",
    "Call off an action that is approved and not claimed yet.",
  );
}

const answerWithinMs = 10_000;

async function sayOf(
  bus: Bus,
  shell: Shell,
  word: string,
  purpose: ActionStatement["purpose"],
  options: SayOptions,
): Promise<void> {
  const { key, privateKey } = readKeyFile(options.key ?? "");
  const action = await readAction(bus, word);
  const { term } = await readControl(await openControl(bus));
  if (!options.json)
    shell.out(toText([[span(action.id, "title")], ...whatLines(action, shell.columns)], shell.hasColour));
  await mustSayYes(shell, options, `Sign ${purpose} of "${actionOf(action.proposal)}"?`);
  const statement = statementOf(action, purpose, { term, key, nowMs: shell.nowMs(), expiresMs: options.expires });
  const outcome = await sendApproval(bus, statement, privateKey, { waitMs: answerWithinMs, signal: shell.signal });
  show(shell, options, outcome, () => [
    [span("✓ accepted", "good"), `  by the actuator in ${lengthOf(outcome.tookMs)}, as ${outcome.by}'s word`],
    ...paragraph(outcome.text, shell.columns, 2),
  ]);
  if (!options.wait) return;
  const ended = await followAction(bus, action, shell.signal, (now, before) =>
    show(shell, options, now, () =>
      stepLines(now.steps.slice(before.steps.length), { nowMs: shell.nowMs(), columns: shell.columns }),
    ),
  );
  shell.signal.throwIfAborted();
  if (ended.state === "verified") return;
  const last = ended.steps.at(-1);
  throw new CliError("ENDED_OTHERWISE", `${ended.id} ended as ${ended.state}: ${last?.text ?? "without a word"}`, {
    action: ended.id,
    state: ended.state,
    ...(last?.code !== undefined && { why: last.code }),
  });
}

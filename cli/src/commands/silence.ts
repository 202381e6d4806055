import { randomBytes } from "node:crypto";
import { InvariantName, TargetName } from "@operator/contracts/names";
import { Silence, silenceMsMax } from "@operator/contracts/silence";
import { type Command, InvalidArgumentError } from "commander";
import type { z } from "zod";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { readSilences } from "../read-silences.ts";
import { silenceList } from "../screens/silence-list.ts";
import { programName, type Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { suggestion } from "../suggest.ts";
import { timeOf } from "../terminal/ages.ts";
import { span } from "../terminal/page.ts";
import { durationBetween } from "./durations.ts";
import { aReason, nameOfPerson, personOf } from "./person.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface AddOptions extends GlobalOptions {
  subject: string;
  target: TargetName;
  invariant?: InvariantName;
  for: number;
  reason: string;
  by?: string;
}

/** `operator silence add|list|remove`. */
export function registerSilence(program: Command, shell: Shell): void {
  const silence = program.command("silence").description("targets of which nobody wants to hear for a time");
  registerAdd(silence, shell);
  onTheBus(
    silence
      .command("list")
      .summary("what is silenced, until when, by whom and why")
      .description("The silences that hold now, those that end first before the others."),
  ).action((options: GlobalOptions) =>
    withBus(shell, options, async (bus) => {
      const silences = (await readSilences(bus)).filter(({ untilMs }) => shell.nowMs() < untilMs);
      show(shell, options, { silences }, () => silenceList(silences, shell.nowMs(), shell.columns));
    }),
  );
  onTheBus(
    silence
      .command("remove")
      .summary("end a silence before its time")
      .description("End a silence before its time. Jobs that waited for it are sent within seconds.")
      .argument("<id>", "its id, from `silence list`"),
  ).action((id: string, options: GlobalOptions) =>
    withBus(shell, options, async (bus) => {
      const known = await readSilences(bus);
      const removed = known.find((each) => each.id === id);
      if (removed === undefined) {
        const near = suggestion(
          id,
          known.map((each) => each.id),
        );
        throw new CliError("SILENCE_UNKNOWN", `no silence "${id}"${near}: \`operator silence list\` lists them`);
      }
      await (await bus.bucket("silences", Silence)).remove(id);
      show(shell, options, { removed }, () => [
        [span("✓ ended", "good"), `  ${removed.target} of ${removed.subject} is heard of again`],
      ]);
    }),
  );
}

function registerAdd(silence: Command, shell: Shell): void {
  onTheBus(
    silence
      .command("add")
      .summary("silence a target for a time")
      .description(
        "Silence a target for a time: its tickets are opened and kept as ever, but no job is sent for them, no action on them is begun, and no webhook is sent. Holds within a second, and ends by itself.",
      )
      .requiredOption("--subject <name>", "whose target")
      .requiredOption("--target <name>", "which target", nameBy(TargetName, "a target's name"))
      .option("--invariant <name>", "only this invariant (default: any)", nameBy(InvariantName, "an invariant's name"))
      .requiredOption("--for <length>", "for how long, e.g. 2h", durationBetween(1_000, silenceMsMax))
      .requiredOption("--reason <text>", "why", aReason)
      .option("--by <name>", "who says it (default: $USER)", nameOfPerson),
  ).action((options: AddOptions) =>
    withBus(shell, options, async (bus, context) => {
      const nowMs = shell.nowMs();
      const added = Silence.parse({
        id: randomBytes(4).toString("hex"),
        subject: subjectsOf(options.subject, context)[0],
        target: options.target,
        ...(options.invariant !== undefined && { invariant: options.invariant }),
        atMs: nowMs,
        untilMs: nowMs + options.for,
        by: options.by ?? personOf(shell),
        reason: options.reason,
      });
      const written = await (await bus.bucket("silences", Silence)).create(added.id, added);
      if (written === "conflict")
        throw new CliError("UNEXPECTED", `there is a silence ${added.id} already: say it again`);
      show(shell, options, added, () => [
        [span("✓ silenced", "good"), `  ${added.target} of ${added.subject} until ${timeOf(added.untilMs, nowMs)}`],
        ["  ", span(`${programName(shell.env)} silence remove ${added.id}`, "code")],
      ]);
    }),
  );
}

/** A name from the command line, as the contracts have it. */
function nameBy<Name extends string>(schema: z.ZodType<Name>, what: string): (text: string) => Name {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`${what} is wanted`);
  };
}

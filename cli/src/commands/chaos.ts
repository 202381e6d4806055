import { randomUUID } from "node:crypto";
import { FaultEvent, FaultId, HaltLever, leverAtFirst, leverKey } from "@operator/contracts/chaos";
import { Json } from "@operator/contracts/json";
import { TargetName } from "@operator/contracts/names";
import { type Command, InvalidArgumentError } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { readFaults } from "../read-faults.ts";
import { readOffered } from "../read-offered.ts";
import { faultEventLines, faultList, haltLines } from "../screens/fault-list.ts";
import { injectFault, moveLever, revertFault, untilReverted } from "../send-chaos.ts";
import { programName, type Shell } from "../shell.ts";
import { subjectOf, subjectsOf } from "../subjects.ts";
import { suggestion } from "../suggest.ts";
import { span } from "../terminal/page.ts";
import { durationBetween } from "./durations.ts";
import { aReason, nameOfPerson, personOf } from "./person.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface InjectOptions extends GlobalOptions {
  subject?: string;
  ttl?: number;
  param: Record<string, Json>;
  dryRun?: boolean;
  force?: boolean;
  by?: string;
}

interface WordOptions extends GlobalOptions {
  by?: string;
  reason?: string;
}

/** `operator chaos list|inject|revert|halt|resume`. */
export function registerChaos(program: Command, shell: Shell): void {
  const chaos = program.command("chaos").description("faults that are made on purpose");
  registerList(chaos, shell);
  registerInject(chaos, shell);
  registerRevert(chaos, shell);
  registerLever(chaos, shell, true);
  registerLever(chaos, shell, false);
}

function registerList(chaos: Command, shell: Shell): void {
  onTheBus(
    chaos
      .command("list")
      .summary("what can be done to a subject, and what is being done now")
      .description(
        "The faults that a subject's room offers, with targets and how long they last, and which of them run now.",
      )
      .option("--subject <name>", "only this subject (default: all that are watched)"),
  ).action((options: GlobalOptions & { subject?: string }) =>
    withBus(shell, options, async (bus, context) => {
      const subjects = subjectsOf(options.subject, context);
      const [offered, journal, lever] = await Promise.all([
        Promise.all(subjects.map(readOffered)),
        Promise.all(subjects.map((subject) => readFaults(bus, shell.signal, subject))),
        bus.bucket("chaos", HaltLever).then((bucket) => bucket.get(leverKey)),
      ]);
      const document = {
        faults: offered.flat(),
        running: journal.flat().filter(({ isOpen }) => isOpen),
        lever: lever?.value ?? leverAtFirst,
      };
      show(shell, options, document, () => faultList(document, shell.nowMs(), shell.columns));
    }),
  );
}

function registerInject(chaos: Command, shell: Shell): void {
  onTheBus(
    chaos
      .command("inject")
      .summary("make a fault, and wait until it's proved")
      .description(
        "Make a fault: chaos refuses what breaks the quorum, proves that it took effect, and ends it in time.",
      )
      .argument("<fault>", "its name, of `operator chaos list`")
      .argument("<target>", "the member or other part of the subject, e.g. node-a")
      .option("--subject <name>", "the subject (needed when there are several)")
      .option("--ttl <time>", "how long it lasts (default: the fault's own)", durationBetween(1_000, 600_000))
      .option("--param <key=value>", "a parameter; JSON, or else text; may be given several times", parameter, {})
      .option("--dry-run", "only say what would be done")
      .option("--force", "also when it breaks the quorum")
      .option("--by <name>", "who asks for it (default: $USER)", nameOfPerson),
  ).action((fault: string, target: string, options: InjectOptions) =>
    withBus(shell, options, async (bus, context) => {
      const { ttl, param, dryRun, force } = options;
      const id = FaultId.parse(randomUUID());
      const command = {
        subject: subjectOf(options.subject, context),
        fault: nameOfFault(fault),
        target: nameOfTarget(target),
        id,
        by: options.by ?? personOf(shell),
        ...(ttl !== undefined && { ttlMs: ttl }),
        ...(Object.keys(param).length > 0 && { parameters: param }),
        ...(dryRun && { dryRun }),
        ...(force && { force }),
      };
      const outcome = await injectFault(bus, command, { signal: shell.signal, each: teller(shell, options) });
      if (outcome.phase === "planned" || options.json) return;
      show(shell, options, outcome, () => [["  ", span(`${programName(shell.env)} chaos revert ${id}`, "code")]]);
    }),
  );
}

function registerRevert(chaos: Command, shell: Shell): void {
  onTheBus(
    chaos
      .command("revert")
      .summary("end a fault before its time")
      .description("End a fault that runs, and wait until that is done.")
      .argument("<id>", "its id, of `operator chaos list`")
      .option("--by <name>", "who asks for it (default: $USER)", nameOfPerson),
  ).action((word: string, options: WordOptions) =>
    withBus(shell, options, async (bus) => {
      const faults = await readFaults(bus, shell.signal);
      const found = faults.find(({ began }) => began.id === word);
      const open = faults.filter(({ isOpen }) => isOpen).map(({ began }) => began.id);
      if (!found?.isOpen) {
        const why = found ? `the fault "${word}" is over` : `no fault "${word}"${suggestion(word, open)}`;
        throw new CliError("FAULT_UNKNOWN", `${why}; running: ${open.join(", ") || "none"}`);
      }
      const listening = { signal: shell.signal, each: teller(shell, options) };
      await revertFault(bus, found.began, options.by ?? personOf(shell), listening);
    }),
  );
}

function registerLever(chaos: Command, shell: Shell, halt: boolean): void {
  onTheBus(
    (halt
      ? chaos
          .command("halt")
          .summary("revert all that runs and refuse new faults, until resumed")
          .description(
            "Revert every fault that runs and refuse new ones, of all subjects, until `operator chaos resume`.",
          )
      : chaos.command("resume").summary("lift the halt").description("Lift the halt: new faults may be made again.")
    )
      .option("--reason <text>", "why", aReason)
      .option("--by <name>", "who says it (default: $USER)", nameOfPerson),
  ).action((options: WordOptions) =>
    withBus(shell, options, async (bus) => {
      const { reason, by = personOf(shell) } = options;
      const lever = await moveLever(bus, { halt, by, ...(reason !== undefined && { reason }) }, shell.signal);
      show(shell, options, { lever }, () => haltLines(lever, shell.nowMs(), shell.columns));
      if (!lever.halted) return;
      const running = (await readFaults(bus, shell.signal)).filter(({ isOpen }) => isOpen);
      const listening = { signal: shell.signal, each: teller(shell, options) };
      for (const { began } of running) await untilReverted(bus, began, listening);
      show(shell, options, { running: [] }, () => [[span("✓ nothing runs", "good")]]);
    }),
  );
}

function teller(shell: Shell, options: GlobalOptions) {
  return (event: FaultEvent) => show(shell, options, event, () => faultEventLines(event, shell.nowMs(), shell.columns));
}

function parameter(text: string, before: Record<string, Json>): Record<string, Json> {
  const [, key, value] = /^([A-Za-z_]\w{0,63})=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("key=value is wanted");
  return { ...before, [key]: jsonOrText(value) };
}

/** A value as JSON, where it's that: `9` is a number, `nine` a text. */
function jsonOrText(text: string): Json {
  try {
    return Json.parse(JSON.parse(text));
  } catch {
    return text;
  }
}

function nameOfFault(text: string) {
  const name = FaultEvent.shape.fault.safeParse(text);
  if (name.success) return name.data;
  throw new CliError("USAGE", `"${text}" can't be the name of a fault: operator chaos list has them`);
}

function nameOfTarget(text: string) {
  const name = TargetName.safeParse(text);
  if (name.success) return name.data;
  throw new CliError("USAGE", `"${text}" can't be the name of a target: operator chaos list has them`);
}

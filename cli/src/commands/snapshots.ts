import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { atPointer } from "@operator/contracts/json";
import { SubjectName } from "@operator/contracts/names";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { type FoundSnapshot, snapshotPage } from "../screens/snapshot-page.ts";
import type { Shell } from "../shell.ts";
import { subjectOf } from "../subjects.ts";
import { safeJson } from "../terminal/safe-text.ts";
import { atLeastOne } from "./numbers.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface SnapshotOptions extends GlobalOptions {
  subject?: string;
  sequence?: number;
  at?: string;
  pointer?: string;
}

/** `operator snapshots show`. */
export function registerSnapshots(program: Command, shell: Shell): void {
  const snapshots = program.command("snapshots").description("what the observer saw");
  onTheBus(
    snapshots
      .command("show")
      .summary("a snapshot: the newest, one by its sequence, or one that is evidence")
      .description(
        "What the observer saw of a subject at one moment: the newest snapshot, one by its sequence, or one that was kept as evidence.",
      )
      .option("--subject <name>", "of this subject (needed when there are several, not with --at)")
      .addOption(new Option("--sequence <n>", "the one of this sequence in SNAPSHOTS").argParser(atLeastOne))
      .addOption(
        new Option("--at <address>", "one kept as evidence, e.g. operator.evidence.<subject>.snapshot.<ms>")
          .argParser(evidenceAddress)
          .conflicts("sequence"),
      )
      .option("--pointer <pointer>", "only what this JSON pointer names, e.g. /parts/probe", jsonPointer),
  ).action((options: SnapshotOptions) =>
    withBus(shell, options, async (bus, context) => {
      const part = (at: { address: string; sequence: number }, document: object, pointer: string) => {
        const value = atPointer(document, pointer);
        if (value === undefined) {
          throw new CliError(
            "POINTER_UNKNOWN",
            `"${pointer}" names nothing in the snapshot at ${at.address}: its top is ${Object.keys(document).join(", ")}`,
          );
        }
        const lines = () =>
          safeJson(value, 2)
            .split("\n")
            .map((line) => [line]);
        show(shell, options, { ...at, pointer, value }, lines);
      };
      if (options.at !== undefined && toolAddress.test(options.at)) {
        const { address, sequence, message } = await findTold(bus, options.at, options.subject);
        // It's no snapshot: without a pointer it's shown whole.
        part({ address, sequence }, message, options.pointer ?? "");
        return;
      }
      const found =
        options.at === undefined
          ? await findSnapshot(bus, subjectOf(options.subject, context), options.sequence, shell.signal)
          : await findEvidence(bus, options.at, options.subject);
      if (options.pointer === undefined) {
        show(shell, options, found, () => snapshotPage(found, shell.nowMs(), shell.columns));
        return;
      }
      const { address, sequence, snapshot } = found;
      part({ address, sequence }, snapshot, options.pointer);
    }),
  );
}

async function findSnapshot(
  bus: Bus,
  subject: SubjectName,
  sequence: number | undefined,
  signal: AbortSignal,
): Promise<FoundSnapshot> {
  if (sequence === undefined) {
    const newest = await bus.last(flow.snapshot, patternOf(flow.snapshot, { subject }));
    if (newest) return { address: newest.address, sequence: newest.sequence, snapshot: newest.message };
    throw new CliError(
      "SNAPSHOT_UNKNOWN",
      `there is no snapshot of ${subject} from the last 2 hours: is an observer running?`,
    );
  }
  const { firstSequence, lastSequence } = await bus.streamState("SNAPSHOTS");
  if (sequence < firstSequence || sequence > lastSequence) {
    throw new CliError(
      "SNAPSHOT_UNKNOWN",
      `there is no snapshot ${sequence}: SNAPSHOTS holds ${firstSequence} to ${lastSequence}`,
    );
  }
  const given = { subject };
  for await (const { received, caughtUp } of readInOrder(bus, flow.snapshot, {
    given,
    from: { after: sequence - 1 },
    signal,
    batchMax: 1,
  })) {
    const [first] = received;
    if (first?.sequence === sequence) return { address: first.address, sequence, snapshot: first.message };
    if (first === undefined && !caughtUp) continue;
    const next = first === undefined ? "there is none after it" : `the next one of it is ${first.sequence}`;
    throw new CliError("SNAPSHOT_UNKNOWN", `${sequence} is no snapshot of ${subject}: ${next}`);
  }
  throw new CliError("SNAPSHOT_UNKNOWN", `snapshot ${sequence} wasn't read: it was interrupted`);
}

async function findEvidence(bus: Bus, address: string, subject: string | undefined): Promise<FoundSnapshot> {
  checkSubject(address, subject);
  const found = await bus.last(flow.evidence, address);
  if (found) return { address: found.address, sequence: found.sequence, snapshot: found.message };
  throw notKept(address);
}

/** What a diagnoser was told, e.g. the ends of logs. */
async function findTold(bus: Bus, address: string, subject: string | undefined) {
  checkSubject(address, subject);
  const found = await bus.last(flow.toolEvidence, address);
  if (found) return found;
  throw notKept(address);
}

function checkSubject(address: string, subject: string | undefined): void {
  if (subject === undefined || address.startsWith(`operator.evidence.${subject}.`)) return;
  throw new CliError("USAGE", `"${address}" is no evidence of the subject "${subject}": leave --subject out`);
}

function notKept(address: string): CliError {
  return new CliError("SNAPSHOT_UNKNOWN", `no evidence is kept at "${address}": it's kept for 30 days`);
}

const toolAddress = /^operator\.evidence\.[a-z][a-z0-9_]*\.tool(?:\.[\w=-]+){6}$/;

function evidenceAddress(text: string): string {
  if (toolAddress.test(text)) return text;
  const subject = /^operator\.evidence\.([^.]+)\.snapshot\.\d{1,16}$/.exec(text)?.[1];
  if (subject !== undefined && SubjectName.safeParse(subject).success) return text;
  throw new InvalidArgumentError("an address like operator.evidence.<subject>.snapshot.<ms> is wanted");
}

function jsonPointer(text: string): string {
  if (text === "" || /^(\/([^~/]|~[01])*)+$/.test(text)) return text;
  throw new InvalidArgumentError("a JSON pointer like /parts/probe is wanted");
}

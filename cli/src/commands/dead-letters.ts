import type { Bus } from "@operator/bus/bus";
import { replay } from "@operator/bus/dead-letters";
import { readInOrder } from "@operator/bus/read-in-order";
import type { DeadLetter } from "@operator/contracts/dead-letter";
import { flow } from "@operator/contracts/flow";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { connect, findConnection, type GlobalOptions } from "../connection.ts";
import { deadLetterList } from "../screens/dead-letter-list.ts";
import type { Shell } from "../shell.ts";
import { suggestion } from "../suggest.ts";
import { span } from "../terminal/page.ts";
import { atLeastOne } from "./numbers.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ListOptions extends GlobalOptions {
  service?: string;
  limit: number;
}

/** `operator dead-letters list|replay`. */
export function registerDeadLetters(program: Command, shell: Shell): void {
  const letters = program.command("dead-letters").description("messages that couldn't be read or carried out");
  onTheBus(
    letters
      .command("list")
      .summary("the newest dead letters, each with why")
      .description(
        "Messages that a service couldn't read or carry out, the newest last: who, why, and which message it was.",
      )
      .option("--service <name>", "only those of this service")
      .option("--limit <n>", "at most so many", atLeastOne, 20),
  ).action((options: ListOptions) =>
    withBus(shell, options, async (bus) => {
      if (options.service !== undefined) checkService(options.service);
      const { newest, count } = await readLetters(bus, options.service, shell.signal, options.limit);
      const more = count - newest.length;
      show(shell, options, { deadLetters: newest, more }, () =>
        deadLetterList(newest, more, shell.nowMs(), shell.columns),
      );
    }),
  );
  onTheBus(
    letters
      .command("replay")
      .summary("send the original of a dead letter again")
      .description(
        "Send the original of a dead letter again, as it was, to its address. Needs the password of the user provision. Twice within 2 minutes is once.",
      )
      .argument("<id>", "its id, or <service>:<id>:<code> where several have the same"),
  ).action((id: string, options: GlobalOptions) =>
    withBus(shell, options, async (bus) => {
      const letter = findLetter(id, await allLetters(bus, shell.signal));
      if (letter.truncated) {
        throw new CliError("USAGE", `"${id}" can't be replayed: only a part of its ${letter.bytes} bytes was kept`);
      }
      await using admin = await connect(shell, findConnection(shell, options, "provision"));
      const { sequence, stored } = await replay(admin, letter, 1);
      const document = { id: letter.id, address: letter.address, stream: letter.stream, sequence, stored };
      show(shell, options, document, () => [
        stored === "new"
          ? [span("✓ sent again", "good"), `  ${letter.id} → ${letter.address}, sequence ${sequence}`]
          : [span("✓ was sent again already", "good"), `  ${letter.id}: the bus has it, nothing was stored twice`],
      ]);
    }),
  );
}

/** The newest letters, oldest of them first, and how many there are. */
async function readLetters(bus: Bus, service: string | undefined, signal: AbortSignal, limit: number) {
  let newest: DeadLetter[] = [];
  let count = 0;
  const given = service === undefined ? {} : { service };
  for await (const batch of readInOrder(bus, flow.dead, { given, from: "first", signal })) {
    count += batch.received.length;
    newest = [...newest, ...batch.received.map(({ message }) => message)].slice(-limit);
    if (batch.caughtUp) break;
  }
  signal.throwIfAborted();
  return { newest, count };
}

async function allLetters(bus: Bus, signal: AbortSignal): Promise<DeadLetter[]> {
  return (await readLetters(bus, undefined, signal, Number.MAX_SAFE_INTEGER)).newest;
}

function findLetter(word: string, letters: readonly DeadLetter[]): DeadLetter {
  const fitting = new Map<string, DeadLetter>();
  for (const letter of letters) {
    const whole = flow.dead.id(letter);
    if (word === letter.id || word === whole) fitting.set(whole, letter);
  }
  const [first, ...others] = fitting.values();
  if (first === undefined) {
    const near = suggestion(word, [...new Set(letters.map(({ id }) => id))]);
    throw new CliError(
      "DEAD_LETTER_UNKNOWN",
      `no dead letter "${word}"${near}: \`operator dead-letters list\` lists them`,
    );
  }
  if (others.length > 0) {
    const ids = [...fitting.keys()];
    throw new CliError(
      "DEAD_LETTER_AMBIGUOUS",
      `"${word}" fits ${ids.length} dead letters, say which: ${ids.join(", ")}`,
      {
        deadLetters: ids,
      },
    );
  }
  return first;
}

function checkService(name: string): void {
  const services: readonly string[] = flow.dead.senders;
  if (services.includes(name)) return;
  throw new CliError("USAGE", `no service "${name}"${suggestion(name, services)}: there are ${services.join(", ")}`);
}

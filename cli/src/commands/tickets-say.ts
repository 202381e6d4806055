import type { Bus } from "@operator/bus/bus";
import type { Ticket } from "@operator/contracts/ticket";
import { type Command, InvalidArgumentError } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { readNewest, readTicket } from "../read-tickets.ts";
import { sendCommand, type Word } from "../send-command.ts";
import { programName, type Shell } from "../shell.ts";
import { lengthOf } from "../terminal/ages.ts";
import { paragraph, span } from "../terminal/page.ts";
import { nameOfPerson, personOf } from "./person.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface SayOptions extends GlobalOptions {
  by?: string;
  /** Required where a command has it, so the empty text stands for what can't happen. */
  reason?: string;
  text?: string;
  force?: boolean;
}

/** `operator tickets ack|hold|unhold|comment|resolve`: a person's word about a ticket, and what the ticketer made of it. */
export function registerTicketsSay(tickets: Command, shell: Shell): void {
  const say = (command: Command, wordOf: (options: SayOptions) => Word) => {
    onTheBus(
      command
        .argument("<ticket>", "its id, or parts of it that fit one ticket only, e.g. node_down.node-a")
        .option("--by <name>", "who says it (default: $USER)", nameOfPerson),
    ).action((word: string, options: SayOptions) =>
      withBus(shell, options, async (bus) => {
        const by = options.by ?? personOf(shell);
        const ticket = await readTicket(bus, word);
        await mustBeNewest(bus, ticket);
        const outcome = await sendCommand(bus, ticket, wordOf(options), {
          by,
          atMs: shell.nowMs(),
          waitMs: answerWithinMs,
          signal: shell.signal,
        });
        show(shell, options, outcome, () => [
          [
            span(`✓ ${outcome.entry.kind}`, "good"),
            `  ${outcome.ticket}  by ${outcome.entry.by} in ${lengthOf(outcome.tookMs)}`,
          ],
          ...(outcome.entry.text === "" ? [] : paragraph(outcome.entry.text, shell.columns, 2)),
          ["  ", span(`${programName(shell.env)} tickets show ${outcome.ticket}`, "code")],
        ]);
      }),
    );
  };
  say(
    tickets
      .command("ack")
      .summary("say that you've seen it")
      .description("Acknowledge: you've seen it. Nothing else changes."),
    () => ({ kind: "acknowledge" }),
  );
  say(
    tickets
      .command("hold")
      .summary("no closing and no diagnosis until unheld")
      .description("Hold: the ticket isn't closed, and no job is sent for it, until it's unheld.")
      .requiredOption("--reason <text>", "why", aText),
    ({ reason = "" }) => ({ kind: "hold", reason }),
  );
  say(
    tickets
      .command("unhold")
      .summary("take back a hold")
      .description("Take back a hold. What is whole again by then is closed."),
    () => ({ kind: "unhold" }),
  );
  say(
    tickets
      .command("comment")
      .summary("add a word to its history")
      .description("Add a word to the ticket's history.")
      .requiredOption("--text <text>", "what to say", aText),
    ({ text = "" }) => ({ kind: "comment", text }),
  );
  say(
    tickets
      .command("resolve")
      .summary("close it by a person's word")
      .description(
        "Close a ticket by a person's word. Refused while the checker says that it's broken or can't see it, unless forced.",
      )
      .requiredOption("--reason <text>", "why", aText)
      .option("--force", "also while it's still broken"),
    ({ reason = "", force = false }) => ({ kind: "resolve", reason, force }),
  );
}

const answerWithinMs = 10_000;

/** The ticketer hears nothing any more of a generation that another one followed. */
async function mustBeNewest(bus: Bus, ticket: Ticket): Promise<void> {
  const newest = await readNewest(bus, ticket);
  if (newest === undefined || newest.id === ticket.id) return;
  throw new CliError("TICKET_SUPERSEDED", `${ticket.id} is over, and came back as ${newest.id}: say it of that one`);
}

function aText(text: string): string {
  if (text.trim() === "" || text.length > 2000) throw new InvalidArgumentError("1 to 2000 characters are wanted");
  return text;
}

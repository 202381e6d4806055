import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import type { Command } from "commander";
import type { GlobalOptions } from "../connection.ts";
import { readTicket } from "../read-tickets.ts";
import { historyLines } from "../screens/history-lines.ts";
import { attemptLines, ticketPage, type TicketPageOptions } from "../screens/ticket-page.ts";
import { programName, type Shell } from "../shell.ts";
import type { Line } from "../terminal/page.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ShowOptions extends GlobalOptions {
  follow?: boolean;
}

/** `operator tickets show`. */
export function registerTicketsShow(tickets: Command, shell: Shell): void {
  onTheBus(
    tickets
      .command("show")
      .summary("a ticket as a page")
      .description("A ticket as a page: what is broken, what happened, why, and what to type next.")
      .argument("<ticket>", "its id, or parts of it that fit one ticket only, e.g. node_down.node-a")
      .option("--follow", "go on with what changes, until it's closed or Ctrl-C"),
  ).action((word: string, options: ShowOptions) =>
    withBus(shell, options, async (bus) => {
      const ticket = await readTicket(bus, word);
      const page = () => pageOptions(shell);
      show(shell, options, ticket, () => ticketPage(ticket, page()));
      if (options.follow && ticket.status === "open") await follow(shell, bus, ticket, options);
    }),
  );
}

/** Shows each change of the ticket: what its history gained, an answer when one came. Ends when it's closed. */
async function follow(shell: Shell, bus: Bus, shown: Ticket, options: ShowOptions): Promise<void> {
  let before = shown;
  const given = flow.ticket.parameters(shown);
  // From the newest event on: a ticket's event is the whole ticket, so none is missed between the page and the first.
  for await (const { received } of readInOrder(bus, flow.ticket, { given, from: "last", signal: shell.signal })) {
    for (const { message } of received) {
      if (message.revision <= before.revision) continue;
      const [now, then] = [message, before];
      show(shell, options, now, () => changes(then, now, pageOptions(shell)));
      before = now;
    }
    if (before.status === "closed") return;
  }
}

function changes(then: Ticket, now: Ticket, options: TicketPageOptions): Line[] {
  const known = new Set(then.history.map(({ id }) => id));
  const lines = historyLines(
    now.history.filter(({ id }) => !known.has(id)),
    options,
  );
  for (const attempt of now.attempts) {
    const had = then.attempts.find((one) => one.attempt === attempt.attempt);
    if (attempt.diagnosis && !had?.diagnosis) lines.push([], ...attemptLines(attempt, options), []);
  }
  return lines;
}

function pageOptions(shell: Shell): TicketPageOptions {
  return { nowMs: shell.nowMs(), columns: shell.columns, program: programName(shell.env) };
}

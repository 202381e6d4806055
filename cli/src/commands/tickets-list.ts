import { type Silence, silenceOf } from "@operator/contracts/silence";
import type { Ticket } from "@operator/contracts/ticket";
import { type Command, Option } from "commander";
import type { GlobalOptions } from "../connection.ts";
import { readSilences } from "../read-silences.ts";
import { readTickets } from "../read-tickets.ts";
import { ticketTable } from "../screens/ticket-table.ts";
import type { Shell } from "../shell.ts";
import { subjectsOf } from "../subjects.ts";
import { byUrgency, summaryOf, type TicketSummary } from "../ticket-summary.ts";
import { atLeastOne } from "./numbers.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ListOptions extends GlobalOptions {
  subject?: string;
  status: "open" | "closed" | "all";
  limit: number;
}

/** `operator tickets list`. */
export function registerTicketsList(tickets: Command, shell: Shell): void {
  onTheBus(
    tickets
      .command("list")
      .summary("the tickets, most urgent first")
      .description("The tickets: open ones first, of these the critical ones, then the newest.")
      .option("--subject <name>", "only this subject (default: all)")
      .addOption(new Option("--status <status>", "which tickets").choices(["open", "closed", "all"]).default("open"))
      .option("--limit <n>", "at most so many", atLeastOne, 20),
  ).action((options: ListOptions) =>
    withBus(shell, options, async (bus, context) => {
      const only = options.subject === undefined ? undefined : subjectsOf(options.subject, context)[0];
      const silences = await readSilences(bus);
      const all = (await readTickets(bus, only))
        .map((ticket) => markedBy(silences, ticket, shell.nowMs()))
        .filter(({ status }) => options.status === "all" || status === options.status)
        .sort(byUrgency);
      const listed = all.slice(0, options.limit);
      const more = all.length - listed.length;
      show(shell, options, { tickets: listed, more }, () => {
        if (listed.length === 0) return [[options.status === "all" ? "No tickets." : `No ${options.status} tickets.`]];
        const lines = ticketTable(listed, shell.nowMs(), shell.columns);
        return more === 0 ? lines : [...lines, [], [`and ${more} more: --limit ${all.length}`]];
      });
    }),
  );
}

/** A ticket in short, with the silence that holds for it. */
function markedBy(silences: readonly Silence[], ticket: Ticket, nowMs: number): TicketSummary {
  const silence = silenceOf(silences, ticket, nowMs);
  return { ...summaryOf(ticket), ...(silence !== undefined && { silencedUntilMs: silence.untilMs }) };
}

import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import { Ticket } from "@operator/contracts/ticket";
import { Checkpoint } from "@operator/service/checkpoint";
import type { ServiceContext } from "@operator/service/service-context";
import { Silences } from "@operator/service/silences";
import { ticker } from "@operator/service/ticker";
import { foldActions, foldCommands, foldDiagnoses, foldViolations } from "./folds.ts";
import { Sender } from "./sender.ts";
import { Sweep } from "./sweep.ts";
import { Tickets } from "./tickets.ts";
import { watchChecker } from "./watch-checker.ts";

const saveEveryMs = 1_000;
const sendEveryMs = 250;
const sweepLimitMs = 600_000;

/** Folds violations, diagnoses and commands into tickets, and sends what follows from them. */
export async function run(context: ServiceContext, { subjects }: { subjects: readonly SubjectName[] }): Promise<void> {
  const { bus, log, signal } = context;
  const silences = await Silences.open(bus, log);
  const tickets = new Tickets(await bus.bucket("tickets", Ticket), {
    written: (ticket, reasons) => {
      // Its event first: the log can wait.
      sender.look(ticket, "ours");
      if (reasons.length > 0) log.info({ ticket: ticket.id, revision: ticket.revision, reasons }, reasons.join(", "));
    },
    read: (ticket) => sender.look(ticket, "anybody's"),
  });
  const sender = new Sender({ bus, tickets, silences, log, signal });

  const sweep = new Sweep(tickets, {
    ticket: (ticket) => sender.look(ticket, "anybody's"),
    unreadable: (error) => log.error({ err: error }, "a ticket can't be read, so nothing follows from it"),
  });

  const behind = new Set(["violation", "diagnosis", "command", "action"]);
  const caughtUp = (channel: string) => {
    if (behind.delete(channel) && behind.size === 0) context.ready(true);
  };
  context.ready(false, "catching up");

  const violations = await Checkpoint.open(bus, flow.violation.stream);
  const diagnoses = await Checkpoint.open(bus, flow.diagnosis.stream);
  const commands = await Checkpoint.open(bus, flow.command.stream);
  const actions = await Checkpoint.open(bus, flow.action.stream);
  const save = async () => {
    for (const checkpoint of [violations, diagnoses, commands, actions]) await checkpoint.save();
  };
  const desk = { context, tickets, sender, caughtUp };
  // What was answered while no ticketer was there is read first, or its job would be sent again.
  const whenRead = (act: (signal: AbortSignal) => void | Promise<void>) => async (signal: AbortSignal) => {
    if (behind.size === 0) await act(signal);
  };
  await Promise.all([
    foldViolations(desk, violations),
    foldDiagnoses(desk, diagnoses),
    foldCommands(desk, commands),
    foldActions(desk, actions),
    ...subjects.map((subject) => watchChecker(context, tickets, subject)),
    ticker(context, { name: "silences", everyMs: 1_000, tick: () => silences.refresh() }),
    ticker(context, { name: "checkpoints", everyMs: saveEveryMs, tick: save }),
    ticker(context, { name: "send", everyMs: sendEveryMs, tick: whenRead(() => sender.tick()) }),
    ticker(context, {
      name: "sweep",
      everyMs: sendEveryMs,
      limitMs: sweepLimitMs,
      tick: whenRead((signal) => sweep.tick(signal)),
    }),
  ]);
  await sender.settled();
  if (bus.connected()) await save();
}

import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Command } from "@operator/contracts/command";
import { flow } from "@operator/contracts/flow";
import type { HistoryEntry, Ticket } from "@operator/contracts/ticket";
import { CliError } from "./cli-error.ts";
import { readTicket } from "./read-tickets.ts";

/** What a person says of a ticket: a command without what every command has. */
export type Word = Command extends infer One ? (One extends Command ? Omit<One, keyof About> : never) : never;
type About = Pick<Command, "id" | "subject" | "ticket" | "by" | "atMs">;

/** What became of a command. The document of the ticket commands' `--json`. */
export interface Outcome {
  command: string;
  ticket: string;
  /** The entry of the ticket's history that the ticketer made of it. */
  entry: HistoryEntry;
  revision: number;
  status: Ticket["status"];
  /** From sending to answer. */
  tookMs: number;
}

/** Says it and waits for the ticketer's answer: a refusal is an error with the ticketer's code, silence is one too. */
export async function sendCommand(
  bus: Bus,
  ticket: Ticket,
  word: Word,
  options: { by: string; atMs: number; waitMs: number; signal: AbortSignal },
): Promise<Outcome> {
  const { by, atMs, waitMs } = options;
  const id = randomUUID();
  const command: Command = { ...word, id, subject: ticket.subject, ticket: ticket.id, by, atMs };
  const started = performance.now();
  await bus.publish(flow.command, command, { deadlineMs: waitMs, signal: options.signal });
  const answer = await answerOf(bus, ticket, id, waitMs, options.signal);
  if (!answer) {
    throw new CliError(
      "NO_ANSWER",
      `the command was sent, but no ticketer answered within ${waitMs / 1000} s: is a ticketer running? It will be carried out when one is`,
      { command: id, ticket: ticket.id },
    );
  }
  const { entry } = answer;
  if (entry.kind === "refused") {
    throw new CliError("COMMAND_REFUSED", `refused: ${entry.text}`, {
      code: entry.code ?? "COMMAND_REFUSED",
      command: id,
      ticket: ticket.id,
    });
  }
  const { revision, status } = answer.ticket;
  return { command: id, ticket: ticket.id, entry, revision, status, tookMs: Math.round(performance.now() - started) };
}

/** The ticket that carries the command in its history, by its event; else, at the deadline, as it's stored. */
async function answerOf(bus: Bus, ticket: Ticket, command: string, waitMs: number, signal: AbortSignal) {
  const entryOf = (of: Ticket) => {
    const entry = of.history.find((one) => one.command === command);
    return entry && { ticket: of, entry };
  };
  const deadline = new AbortController();
  const stop = AbortSignal.any([signal, deadline.signal]);
  const timer = wait(waitMs, undefined, { signal: stop }).then(
    () => deadline.abort(),
    () => undefined,
  );
  try {
    const given = flow.ticket.parameters(ticket);
    // The newest event first: the answer may have come between sending and reading.
    for await (const { received } of readInOrder(bus, flow.ticket, { given, from: "last", signal: stop })) {
      for (const { message } of received) {
        const answer = entryOf(message);
        if (answer) return answer;
      }
    }
  } finally {
    deadline.abort();
    await timer;
  }
  signal.throwIfAborted();
  return entryOf(await readTicket(bus, ticket.id));
}

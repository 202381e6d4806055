import type { Bus } from "@operator/bus/bus";
import type { Received } from "@operator/bus/received";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Action, ActionNote } from "@operator/contracts/action";
import type { Channel } from "@operator/contracts/channel";
import type { Command } from "@operator/contracts/command";
import { flow } from "@operator/contracts/flow";

/** One thing that was done or said, as the bus keeps it. */
export interface AuditEntry {
  /** When the bus stored it: one clock for all. */
  storedAtMs: number;
  /** Where it stands: nothing of ACTIONS can be deleted. */
  stream: string;
  sequence: number;
  kind: "action" | "note" | "command";
  /** What it was: an action's state, a note's or command's kind. */
  what: string;
  by: string;
  subject?: string;
  action?: string;
  ticket?: string;
  code?: string;
  text: string;
  message: Action | ActionNote | Command;
}

interface Wanted {
  subject?: string | undefined;
  sinceMs: number;
  fits: (entry: AuditEntry) => boolean;
  limit: number;
  signal: AbortSignal;
}

/** What the actuator did and heard, and what people said of tickets, merged by time: the newest that fit, and how many do. */
export async function readAudit(bus: Bus, wanted: Wanted): Promise<{ entries: AuditEntry[]; count: number }> {
  const found = await Promise.all([
    read(bus, flow.action, ofAction, wanted),
    read(bus, flow.note, ofNote, wanted),
    read(bus, flow.command, ofCommand, wanted),
  ]);
  const entries = found.flatMap((each) => each.entries).sort(inOrder);
  return { entries: entries.slice(-wanted.limit), count: found.reduce((sum, { count }) => sum + count, 0) };
}

async function read<M>(
  bus: Bus,
  channel: Channel<M>,
  entryOf: (message: M) => Omit<AuditEntry, "storedAtMs" | "stream" | "sequence">,
  { subject, sinceMs, fits, limit, signal }: Wanted,
): Promise<{ entries: AuditEntry[]; count: number }> {
  let entries: AuditEntry[] = [];
  let count = 0;
  const toEntry = ({ message, storedAtMs, sequence }: Received<M>): AuditEntry => ({
    storedAtMs,
    stream: channel.stream,
    sequence,
    ...entryOf(message),
  });
  for await (const { received, caughtUp } of readInOrder(bus, channel, { from: "first", signal })) {
    const fitting = received
      .filter(({ storedAtMs }) => storedAtMs >= sinceMs)
      .map(toEntry)
      // What is about no subject, as a change of the mode, is about all.
      .filter((entry) => (subject === undefined || (entry.subject ?? subject) === subject) && fits(entry));
    count += fitting.length;
    entries = [...entries, ...fitting].slice(-limit);
    if (caughtUp) break;
  }
  signal.throwIfAborted();
  return { entries, count };
}

function ofAction(message: Action) {
  const { id: action, subject, ticket, state: what } = message;
  const step = message.steps.findLast(({ state }) => state === what);
  const { by = "nobody", text = "", code } = step ?? {};
  return {
    kind: "action" as const,
    what,
    by,
    subject,
    action,
    ticket,
    text,
    message,
    ...(code !== undefined && { code }),
  };
}

function ofNote(message: ActionNote) {
  const { kind: what, by, text, subject, action, ticket, code } = message;
  return {
    kind: "note" as const,
    what,
    by,
    text,
    message,
    ...(subject !== undefined && { subject }),
    ...(action !== undefined && { action }),
    ...(ticket !== undefined && { ticket }),
    ...(code !== undefined && { code }),
  };
}

function ofCommand(message: Command) {
  const { kind: what, by, subject, ticket } = message;
  const text = "text" in message ? message.text : "reason" in message ? message.reason : "";
  return { kind: "command" as const, what, by, subject, ticket, text, message };
}

function inOrder(one: AuditEntry, other: AuditEntry): number {
  return (
    one.storedAtMs - other.storedAtMs ||
    (one.stream < other.stream ? -1 : one.stream > other.stream ? 1 : one.sequence - other.sequence)
  );
}

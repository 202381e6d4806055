import { BusError } from "@operator/bus/failure";
import type { Batch } from "@operator/bus/read-in-order";
import type { Received } from "@operator/bus/received";
import type { Channel } from "@operator/contracts/channel";
import type { DiagnosisEvent, Rejection } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import type { TicketId } from "@operator/contracts/ticket-id";
import { violationKeyOf } from "@operator/contracts/violation";
import { groundOf } from "@operator/ground/ground";
import type { Checkpoint } from "@operator/service/checkpoint";
import { fold } from "@operator/service/fold";
import type { ServiceContext } from "@operator/service/service-context";
import { apply } from "./apply.ts";
import type { Sender } from "./sender.ts";
import { attemptsMax } from "./settle.ts";
import { sideBySide } from "./side-by-side.ts";
import type { TicketEvent } from "./ticket-event.ts";
import type { Tickets } from "./tickets.ts";

const ticketsAtOnceMax = 16;

/** What the folds work with. */
export interface Desk {
  context: ServiceContext;
  tickets: Tickets;
  sender: Sender;
  /** Called with a channel's name when nothing more waits to be read of it. */
  caughtUp: (channel: string) => void;
}

/** All that is queued of one violation is one write. */
export async function foldViolations(desk: Desk, checkpoint: Checkpoint): Promise<void> {
  await foldChannel(
    desk,
    checkpoint,
    flow.violation,
    ({ asOf }) => asOf,
    async (batch) => {
      const byKey = Map.groupBy(batch.received, ({ message }) => violationKeyOf(message));
      await sideBySide(byKey, ticketsAtOnceMax, async ([key, ofKey]) => {
        const events = ofKey.map(({ message }): TicketEvent => ({ kind: "violation", violation: message }));
        await orBury(batch, ofKey, () => desk.tickets.fold(key, () => events));
      });
    },
  );
}

export async function foldDiagnoses(desk: Desk, checkpoint: Checkpoint): Promise<void> {
  await foldChannel(
    desk,
    checkpoint,
    flow.diagnosis,
    ({ atMs }) => atMs,
    async (batch) => {
      await byTicket(batch, async (received) => {
        const { message: said, storedAtMs } = received;
        if (said.attempt > attemptsMax) {
          const reason = `attempt ${said.attempt} of ${said.ticket}: a ticket has ${attemptsMax} at most`;
          return await batch.bury(received, { code: "UNKNOWN_ATTEMPT", reason });
        }
        const ticket = await desk.tickets.read(said.ticket);
        if (!ticket) return await batch.bury(received, unknownTicket(said.ticket));
        const rejectionsOf = await rejections(desk, said, ticket);
        const event = { kind: "diagnosis", said, storedAtMs, rejectionsOf } as const;
        await desk.tickets.change(said.ticket, (now) => apply(now, event, Date.now()));
      });
    },
  );
}

export async function foldCommands(desk: Desk, checkpoint: Checkpoint): Promise<void> {
  await foldChannel(
    desk,
    checkpoint,
    flow.command,
    ({ atMs }) => atMs,
    async (batch) => {
      await byTicket(batch, async (received) => {
        const { message: command, storedAtMs } = received;
        const event = { kind: "command", command, storedAtMs } as const;
        const ticket = await desk.tickets.change(command.ticket, (now) => apply(now, event, Date.now()));
        if (!ticket) await batch.bury(received, unknownTicket(command.ticket));
      });
    },
  );
}

export async function foldActions(desk: Desk, checkpoint: Checkpoint): Promise<void> {
  await foldChannel(
    desk,
    checkpoint,
    flow.action,
    ({ steps, proposedAtMs }) => steps.at(-1)?.atMs ?? proposedAtMs,
    async (batch) => {
      await byTicket(batch, async (received) => {
        const { message: action } = received;
        const event = { kind: "action", action } as const;
        const ticket = await desk.tickets.change(action.ticket, (now) => apply(now, event, Date.now()));
        if (!ticket) await batch.bury(received, unknownTicket(action.ticket));
      });
    },
  );
}

/** The evidence is read only for an answer that the ticket may take: most of what is read again was taken long ago. */
async function rejections(desk: Desk, said: DiagnosisEvent, ticket: Ticket): Promise<(ticket: Ticket) => Rejection[]> {
  const isTaken = ticket.attempts.some(({ attempt, endedAtMs }) => attempt === said.attempt && endedAtMs !== undefined);
  if (said.phase !== "finished" || said.result.kind !== "done" || isTaken) return () => [];
  return await groundOf(desk.context.bus, said.result.diagnosis, ticket);
}

function unknownTicket(id: TicketId) {
  return { code: "UNKNOWN_TICKET", reason: `there is no ticket ${id}; see \`operator tickets\`` };
}

/** In order for each ticket, side by side for different ones. */
async function byTicket<M extends { ticket: TicketId }>(
  batch: Batch<M>,
  act: (received: Received<M>) => Promise<void>,
): Promise<void> {
  const byId = Map.groupBy(batch.received, ({ message }) => message.ticket);
  await sideBySide(byId.values(), ticketsAtOnceMax, async (ofTicket) => {
    for (const one of ofTicket) await orBury(batch, [one], () => act(one));
  });
}

/** A ticket that can't be read or written stops what is said of it, and nothing else. */
async function orBury<M>(batch: Batch<M>, messages: Received<M>[], act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof BusError && error.code === "BAD_VALUE")) throw error;
    for (const message of messages) await batch.bury(message, { code: error.code, reason: error.message });
  }
}

async function foldChannel<M>(
  desk: Desk,
  checkpoint: Checkpoint,
  channel: Channel<M>,
  eventTime: (message: M) => number,
  handle: (batch: Batch<M>) => Promise<void>,
): Promise<void> {
  await fold(desk.context, channel, {
    from: checkpoint.from,
    eventTime,
    handle: async (batch) => {
      if (batch.gap?.why === "recreated") await checkpoint.begunAnew();
      await handle(batch);
      checkpoint.reached(batch.lastSequence);
      if (batch.caughtUp) desk.caughtUp(channel.name);
      await desk.sender.room();
    },
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { nanos } from "@nats-io/transport-node";
import type { Channel } from "@operator/contracts/channel";
import { type WorkerName, workers } from "@operator/contracts/streams";
import type { Bus } from "./bus.ts";
import { bury } from "./dead-letters.ts";
import { type Delivery, deliveryOf } from "./delivery.ts";
import { open, type Raw } from "./envelope.ts";
import { failpoint } from "./failpoint.ts";
import { isPassing, Passing, Terminal } from "./failure.ts";
import { ackTimeoutMs } from "./publish.ts";
import { type Received, toReceived } from "./received.ts";
import { inTrace } from "./trace.ts";

export interface WorkOptions<M> {
  /** Returns: done, acknowledged. Throws `Passing`: again after its delay. `Terminal`: dead letter. Anything else: again, later each time. */
  handle: (received: Received<M> & { deliveries: number }, signal: AbortSignal) => Promise<void>;
  /** Called instead of `handle` at the last delivery, after the dead letter is stored: say what became of it. */
  exhausted: (received: Received<M>) => Promise<void>;
  signal: AbortSignal;
  /** How often the bus is told that a message is being worked on; a third of what it waits unless given. */
  keepEveryMs?: number;
}

/** How long the first worker is waited for before the others are looked at again: the longest that idle ones let a job lie. */
const waitMs = 500;
const againMsMax = 60_000;

/** One slot of a worker: one message at a time, none taken ahead, kept by `working()` for as long as its handler runs. */
export function work<M>(bus: Bus, worker: WorkerName, channel: Channel<M>, options: WorkOptions<M>): Promise<void> {
  return workInOrder(bus, [worker], channel, options);
}

/** One slot that serves several workers: the first one's messages before the next one's. */
export async function workInOrder<M>(
  bus: Bus,
  names: readonly WorkerName[],
  channel: Channel<M>,
  options: WorkOptions<M>,
): Promise<void> {
  while (!options.signal.aborted) {
    const task = await nextTask(bus, names, options.signal);
    if (!task) continue;
    if (options.signal.aborted) await giveBack(bus, task, channel);
    else await carryOut(bus, task, channel, options);
  }
}

interface Task extends Raw, Delivery {
  worker: WorkerName;
  reply: string;
}

/** The next message of the first worker that has one; undefined when none has within the wait. */
async function nextTask(bus: Bus, names: readonly WorkerName[], signal: AbortSignal): Promise<Task | undefined> {
  try {
    await bus.link.up(5_000, signal);
    const [first, ...others] = names;
    if (first === undefined) throw new Error("workInOrder: no worker is named");
    // Asked without waiting, so that no request is left at the server that would take a message ahead.
    for (const name of others.length > 0 ? names : []) {
      const task = await pullOne(bus, name, { no_wait: true });
      if (task || signal.aborted) return task;
    }
    return await pullOne(bus, first, { expires: nanos(waitMs) });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!isPassing(error)) throw error;
    bus.link.log({
      level: "warn",
      msg: "can't fetch work, trying again",
      workers: names.join(" "),
      why: String(error),
    });
    await sleep(250, undefined, { signal }).catch(() => {});
    return undefined;
  }
}

async function pullOne(
  bus: Bus,
  worker: WorkerName,
  how: { no_wait: true } | { expires: number },
): Promise<Task | undefined> {
  const address = `$JS.API.CONSUMER.MSG.NEXT.${workers[worker].stream}.${worker}`;
  const request = JSON.stringify({ batch: 1, ...how });
  const msg = await bus.link.ask(address, request, { timeoutMs: waitMs + 2_000, ownInbox: true });
  if (msg.headers?.code) return undefined; // 404 and 408: nothing to do; 409: the consumer moves, ask again
  const reply = msg.reply ?? "";
  return { address: msg.subject, headers: msg.headers, body: msg.data, worker, reply, ...deliveryOf(reply) };
}

/** It came while the slot stopped: another has it at once. */
async function giveBack(bus: Bus, task: Task, channel: Pick<Channel, "name">): Promise<void> {
  await settle(bus, channel, task, "nak", `-NAK ${JSON.stringify({ delay: 0 })}`);
}

async function carryOut<M>(bus: Bus, task: Task, channel: Channel<M>, options: WorkOptions<M>): Promise<void> {
  const { ackWaitMs, deliveriesMax } = workers[task.worker];
  const { counters, log, connection } = bus.link;
  const { signal } = options;
  counters.received?.(channel.name, 1);
  if (task.deliveries > 1) counters.redelivered?.(channel.name);
  const keeping = setInterval(() => connection.publish(task.reply, "+WPI"), options.keepEveryMs ?? ackWaitMs / 3);
  try {
    const opened = open(channel, task);
    if (!opened.ok) {
      await bury(bus, channel, task, opened, signal);
      return await settle(bus, channel, task, "term", "+TERM");
    }
    const received = { ...toReceived(task, opened), deliveries: task.deliveries };
    if (task.deliveries >= deliveriesMax) {
      const reason = `delivered ${task.deliveries} times without an outcome`;
      await bury(bus, channel, task, { code: "EXHAUSTED", reason }, signal);
      await inTrace(received.traceparent, () => options.exhausted(received));
      return await settle(bus, channel, task, "term", "+TERM");
    }
    await inTrace(received.traceparent, () => options.handle(received, signal));
    await settle(bus, channel, task, "ack", "+ACK");
  } catch (error) {
    if (error instanceof Terminal) {
      await bury(bus, channel, task, { code: error.code, reason: error.message }, signal);
      return await settle(bus, channel, task, "term", "+TERM");
    }
    const delayMs = againAfterMs(error, task.deliveries, signal);
    log({ level: "warn", msg: "work failed, trying again", address: task.address, delayMs, why: String(error) });
    await settle(bus, channel, task, "nak", `-NAK ${JSON.stringify({ delay: nanos(delayMs) })}`);
  } finally {
    clearInterval(keeping);
  }
}

/** A stop isn't the message's fault: another instance gets it at once. */
function againAfterMs(error: unknown, deliveries: number, signal: AbortSignal): number {
  if (signal.aborted) return 0;
  if (error instanceof Passing) return Math.min(error.delayMs, againMsMax);
  return Math.min(1_000 * 2 ** (deliveries - 1), againMsMax);
}

/**
 * Tells the bus the outcome and waits until it knows. Twice at most: one that was killed and started again may have forgotten
 * that it gave us the message, and stays silent. Then the message comes again, and its handler finds the work done.
 */
async function settle(
  bus: Bus,
  channel: Pick<Channel, "name">,
  task: Task,
  what: "ack" | "nak" | "term",
  word: string,
): Promise<void> {
  await failpoint(`${what}:${channel.name}`, async () => {
    for (let tries = 1; ; tries++) {
      try {
        await bus.link.up(5_000);
        await bus.link.ask(task.reply, word, { timeoutMs: ackTimeoutMs });
        return;
      } catch (error) {
        if (tries === 1 && isPassing(error)) continue;
        bus.link.log({ level: "warn", msg: `${what} unanswered`, address: task.address, why: String(error) });
        return;
      }
    }
  });
}

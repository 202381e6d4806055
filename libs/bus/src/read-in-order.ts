import { DeliverPolicy } from "@nats-io/jetstream";
import { type Channel, patternOf } from "@operator/contracts/channel";
import type { Bus } from "./bus.ts";
import { bury } from "./dead-letters.ts";
import { open } from "./envelope.ts";
import { BusError } from "./failure.ts";
import { OrderedPull, type Pulled } from "./ordered-pull.ts";
import { type Received, toReceived } from "./received.ts";

export interface Batch<M> {
  /** In the stream's order. Those that couldn't be read are dead letters by now and missing here. */
  received: Received<M>[];
  /** The sequence that the reader has come to, including what was passed over: the checkpoint. */
  lastSequence: number;
  /** Nothing more was waiting at the server. */
  caughtUp: boolean;
  /** Messages that were gone from the stream before they were read; `recreated`: with the stream itself. */
  gap?: { fromSequence: number; toSequence: number; why: "expired" | "recreated" };
  /** Makes a dead letter of a message of this batch that could be read, but not carried out. */
  bury(received: Received<M>, why: { code: string; reason: string }): Promise<void>;
}

/**
 * Every message of a channel, in order, once, for ever: over reconnects, restarts of the bus, missed heartbeats. An
 * unreadable one is published as a dead letter, then passed over. Ends when the signal fires.
 */
export async function* readInOrder<M>(
  bus: Bus,
  channel: Channel<M>,
  options: {
    /** Parameters of the address that are fixed, e.g. `{ subject }`. */
    given?: Record<string, string>;
    /** `after`: the messages behind this sequence. `last`: the newest of each address, and what follows. */
    from: { after: number } | "first" | "new" | "last";
    signal: AbortSignal;
    batchMax?: number;
  },
): AsyncGenerator<Batch<M>, void, void> {
  const { from, signal } = options;
  const { link } = bus;
  const place: Place = { after: typeof from === "object" ? from.after : undefined, created: undefined };
  let isCaughtUp = false;
  const batchOf = (received: Received<M>[], pulled: Pulled[], gap?: Gap): Batch<M> => ({
    received,
    lastSequence: place.after ?? 0,
    caughtUp: isCaughtUp,
    bury: burier(bus, channel, pulled, signal),
    ...(gap ? { gap } : {}),
  });

  while (!signal.aborted) {
    const begun = await begin(bus, channel, place, options);
    if (begun === undefined) continue;
    using pull = begun.pull;
    if (begun.gap || (pull.waitingAtFirst === 0 && !isCaughtUp)) {
      isCaughtUp = pull.waitingAtFirst === 0;
      yield batchOf([], [], begun.gap);
    }
    while (!signal.aborted) {
      await pull.ready(signal, !isCaughtUp);
      if (signal.aborted) return;
      const pulled = pull.take();
      const newest = pulled.at(-1);
      if (newest) {
        const received = await openAll(bus, channel, pulled, signal);
        if (received === undefined) return;
        place.after = newest.sequence;
        isCaughtUp = newest.waiting === 0 && pull.queue.length === 0;
        yield batchOf(received, pulled);
      } else if (pull.broken !== undefined) {
        link.log({ level: "info", msg: "reading anew", channel: channel.name, why: pull.broken, after: place.after });
        break;
      } else if (pull.isIdle && !isCaughtUp) {
        isCaughtUp = true;
        yield batchOf([], []);
      }
    }
  }
}

/** How far a reader has come: the last sequence, of the stream that was made at that time. */
interface Place {
  after: number | undefined;
  created: number | undefined;
}

type Gap = NonNullable<Batch<unknown>["gap"]>;

/** A consumer from the reader's place on; undefined when the bus is away for long, or it's to stop. Moves the place over a gap. */
async function begin<M>(
  bus: Bus,
  channel: Channel<M>,
  place: Place,
  options: Parameters<typeof readInOrder<M>>[2],
): Promise<{ pull: OrderedPull; gap: Gap | undefined } | undefined> {
  const { given, from, signal, batchMax = 512 } = options;
  const { link } = bus;
  const filter = patternOf(channel, given);
  try {
    const state = await bus.streamState(channel.stream, { signal });
    const gap = place.after === undefined ? undefined : gapAfter(place.after, state, place.created);
    if (gap) {
      place.after = gap.why === "recreated" ? state.firstSequence - 1 : gap.toSequence;
      link.counters.gap?.(channel.name);
      link.log({ level: "warn", msg: "gap", channel: channel.name, ...gap });
    } else if (from === "new") place.after ??= state.lastSequence;
    else if (from === "first") place.after ??= state.firstSequence - 1;
    place.created = state.createdAtMs;
    const start =
      place.after === undefined
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: place.after + 1 };
    const make = () => OrderedPull.start(link, channel.stream, filter, start, { batchMax });
    const pull = await link.insist(`read ${filter}`, make, { signal });
    if (pull.waitingAtFirst === 0) place.after ??= state.lastSequence;
    return { pull, gap };
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(error instanceof BusError && error.code === "BUS_AWAY")) throw error;
    link.log({ level: "warn", msg: "can't read, trying again", channel: channel.name, why: String(error) });
    return undefined;
  }
}

async function openAll<M>(
  bus: Bus,
  channel: Channel<M>,
  pulled: Pulled[],
  signal: AbortSignal,
): Promise<Received<M>[] | undefined> {
  const received: Received<M>[] = [];
  for (const raw of pulled) {
    const opened = open(channel, raw);
    if (opened.ok) received.push(toReceived(raw, opened));
    else {
      try {
        await bury(bus, channel, raw, opened, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    }
  }
  bus.link.counters.received?.(channel.name, pulled.length);
  return received;
}

function burier<M>(bus: Bus, channel: Channel<M>, pulled: Pulled[], signal: AbortSignal): Batch<M>["bury"] {
  return async ({ sequence }, why) => {
    const raw = pulled.find((one) => one.sequence === sequence);
    if (!raw) throw new Error(`sequence ${sequence} of ${channel.stream} is not of this batch`);
    await bury(bus, channel, raw, why, signal);
  };
}

/** What went missing between the last message read and what the stream holds now. */
function gapAfter(
  after: number,
  state: { firstSequence: number; lastSequence: number; createdAtMs: number },
  created: number | undefined,
): Gap | undefined {
  // A stream that ends before what was read of it is another one, and so is one made at another time.
  if (state.lastSequence < after || (created !== undefined && state.createdAtMs !== created)) {
    return { fromSequence: after + 1, toSequence: after + 1, why: "recreated" };
  }
  if (state.firstSequence > after + 1) {
    return { fromSequence: after + 1, toSequence: state.firstSequence - 1, why: "expired" };
  }
  return undefined;
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import { Stack } from "@operator/stack/stack";
import { claim, type Figure, type Measuring, median, percentile, short, spread } from "./figures.ts";
import { HopSnapshots } from "./hop-snapshots.ts";
import { pace } from "./pace.ts";
import { RawHops } from "./raw-hops.ts";
import { until } from "./waiting.ts";
import { Watch } from "./watch.ts";

const perSecond = 40;
/** A node that refuses leaves so many nodes later: before its violation would be said again, and in another batch. */
const leavesAfter = 2;
const warmPerSecond = 100;
const arriveMsMax = 10_000;

/** What a block of messages took, each from before its publishing to its arrival, in ms. */
interface Block {
  opened: number[];
  closed: number[];
  /** To the violation, on the way to the opened ticket. */
  fired: number[];
}

/**
 * From a snapshot to the ticket's event, by real checker and ticketer processes, against three raw hops of equally sized
 * messages: rounds take turns, so that what the machine does meets both.
 */
export async function measureHops(measuring: Measuring): Promise<Figure> {
  const { subject, rounds, say, signal } = measuring;
  const count = Math.ceil(2_000 / rounds / measuring.shortenedBy);
  const warmCount = Math.ceil(500 / measuring.shortenedBy);
  await using stack = await Stack.start({ subject, members: false, counts: { observer: 0, diagnoser: 0 } });
  const [observer, reader] = [await stack.connect("observer"), await stack.connect("cli")];
  await using watch = await Watch.start(reader, subject);
  const loop = new LoopSide(measuring, observer, watch);

  // A service that has run for a while has compiled what it does often; faster, as only that matters here.
  await loop.block("warm", warmCount, warmPerSecond);
  const bytes = loop.bytes();
  await using raw = await RawHops.start(bytes);
  await rawBlock(raw, 0, warmCount, measuring, () => loop.beat(), warmPerSecond);

  const ours: Block[] = [];
  const raws: number[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const measureRaw = async () =>
      raws.push(await rawBlock(raw, round * 1_000_000, count, measuring, () => loop.beat()));
    const measureOurs = async () => ours.push(await loop.block(`r${round}`, count));
    for (const measure of round % 2 === 0 ? [measureOurs, measureRaw] : [measureRaw, measureOurs]) await measure();
    say(
      `hops, round ${round} of ${rounds}: ours ${spread(ours.at(-1)?.opened ?? [])}; raw ${spread(raws.at(-1) ?? [])}`,
    );
    signal.throwIfAborted();
  }

  const ratios = (rank: number) =>
    ours.map(({ opened }, at) => percentile(opened, rank) / percentile(raws[at] ?? [], rank));
  const opened = ours.flatMap((block) => block.opened);
  return {
    name: "hops",
    title: "snapshot → ticket event, against three raw JetStream hops",
    claims: [
      claim("p50, ours ÷ raw", median(ratios(0.5)), "×", { atMost: 2.5 }),
      claim("p95, ours ÷ raw", median(ratios(0.95)), "×", { atMost: 3 }),
      claim("snapshots that opened a ticket", opened.length, "", { atLeast: Math.ceil(2_000 / measuring.shortenedBy) }),
    ],
    facts: [
      `ours, ticket opened: ${spread(opened)}`,
      `of it to the violation: ${spread(ours.flatMap(({ fired }) => fired))}`,
      `ours, ticket closed: ${spread(ours.flatMap(({ closed }) => closed))}`,
      `three raw hops: ${spread(raws.flat())}`,
      `ratios by round, p50: ${ratios(0.5).map(short).join(", ")}; p95: ${ratios(0.95).map(short).join(", ")}`,
      `${perSecond} snapshots a second; messages of ${bytes.snapshot}, ${bytes.violation} and ${bytes.ticket} bytes in both`,
    ],
    data: { rounds: ours.map((block, at) => ({ ours: block, raw: raws[at] })), bytes, perSecond },
  };
}

/** The loop's side: snapshots of this process as the observer, tickets' events at its reader. */
class LoopSide {
  readonly #measuring: Measuring;
  readonly #observer: Bus;
  readonly #watch: Watch;
  readonly #snapshots: HopSnapshots;
  /** By ticket and status. */
  readonly #arrivals = new Map<string, number>();
  #lastMs = 0;
  #newest: Snapshot | undefined;

  constructor(measuring: Measuring, observer: Bus, watch: Watch) {
    this.#measuring = measuring;
    this.#observer = observer;
    this.#watch = watch;
    this.#snapshots = new HopSnapshots(measuring.subject);
    watch.onTicket(({ ticket, atMs }) => {
      this.#arrive(`${ticket.target}:open`, atMs);
      if (ticket.status === "closed") this.#arrive(`${ticket.target}:closed`, atMs);
    });
    watch.onViolation(({ target, state }, atMs) => {
      if (state === "firing") this.#arrive(`${target}:firing`, atMs);
    });
  }

  /** A snapshot that changes nothing, once a second: the observer isn't silent while the raw side is measured. */
  async beat(): Promise<void> {
    if (performance.now() - this.#lastMs >= 1_000) await this.#say(this.#snapshots.steady());
  }

  /** `count` nodes that refuse and leave some snapshots later, so that no batch holds both: one snapshot and one event each. */
  async block(name: string, count: number, rate = perSecond): Promise<Block> {
    const { signal } = this.#measuring;
    const nodes = Array.from({ length: count }, (_, at) => `${name}-${at}`);
    const opens = (node: string) => [`${node}:open`, () => this.#snapshots.refused(node)] as const;
    const closes = (node: string) => [`${node}:closed`, () => this.#snapshots.left(node)] as const;
    const plan = [...nodes, ...Array<undefined>(leavesAfter)].flatMap((node, at) => {
      const leaving = nodes[at - leavesAfter];
      return [...(node === undefined ? [] : [opens(node)]), ...(leaving === undefined ? [] : [closes(leaving)])];
    });
    const sentMs = new Map<string, number>();
    await pace({ count: plan.length, perSecond: rate, signal }, async (index) => {
      const [key, make] = plan[index] ?? [];
      if (key === undefined || make === undefined) return;
      const snapshot = make();
      sentMs.set(key, performance.now());
      await this.#say(snapshot);
    });
    const missing = () => [...sentMs.keys()].filter((key) => !this.#arrivals.has(key));
    await until("a ticket's event for each snapshot", () => missing().length === 0, {
      withinMs: arriveMsMax,
      signal,
    }).catch((error: unknown) => {
      const about = `${missing().length} of ${sentMs.size} are missing, e.g. ${missing()[0]}`;
      throw signal.aborted ? error : new Error(`${String(error)}: ${about}`);
    });
    const tookMs = (from: string, to: string) =>
      nodes.map(
        (node) => (this.#arrivals.get(`${node}:${to}`) ?? Number.NaN) - (sentMs.get(`${node}:${from}`) ?? Number.NaN),
      );
    return { opened: tookMs("open", "open"), closed: tookMs("closed", "closed"), fired: tookMs("open", "firing") };
  }

  /** The sizes of one snapshot, violation and ticket as JSON. */
  bytes(): { snapshot: number; violation: number; ticket: number } {
    const seen = [...this.#watch.tickets.values()].at(-1);
    if (!seen || !this.#newest) throw new Error("no ticket was opened to take the size of");
    const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
    return { snapshot: size(this.#newest), violation: size(seen.ticket.violation), ticket: size(seen.ticket) };
  }

  #arrive(key: string, atMs: number): void {
    if (!this.#arrivals.has(key)) this.#arrivals.set(key, atMs);
  }

  async #say(snapshot: Snapshot): Promise<void> {
    this.#lastMs = performance.now();
    this.#newest = snapshot;
    await this.#observer.publish(flow.snapshot, snapshot);
  }
}

async function rawBlock(
  raw: RawHops,
  from: number,
  count: number,
  { signal }: Measuring,
  meanwhile: () => Promise<void>,
  rate = perSecond,
): Promise<number[]> {
  const sentMs: number[] = [];
  await pace({ count, perSecond: rate, signal }, async (index) => {
    sentMs[index] = performance.now();
    await raw.send(from + index);
    // Between two messages, so that it's in the way of neither.
    await sleep(500 / perSecond);
    await meanwhile();
  });
  const indices = [...sentMs.keys()];
  await until(
    "each raw message at the end",
    () => indices.every((index) => raw.arrivedAtMs(from + index) !== undefined),
    {
      withinMs: arriveMsMax,
      signal,
    },
  );
  return indices.map((index) => (raw.arrivedAtMs(from + index) ?? Number.NaN) - (sentMs[index] ?? Number.NaN));
}

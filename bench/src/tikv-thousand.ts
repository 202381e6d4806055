import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Stack } from "@operator/stack/stack";
import { breakMembers, detectionFacts } from "./break-members.ts";
import { claim, type Figure, type Measuring, percentile, short } from "./figures.ts";
import { cpuSeconds, residentMb } from "./process-usage.ts";
import { manyStores } from "./tikv-stores.ts";
import type { Watch } from "./watch.ts";

const settleMs = 5_000;
/** A source of a thousand targets may miss some seconds on a busy machine: no blindness yet. */
const graceScale = 0.3;
/** What a room of three stores has and these have too: three replicas of each region. */
const regionsPerStore = 3;

/** A thousand stores at a second's rhythm: what observer and checker take, what they send, and a killed store's ticket. */
export async function measureThousand(
  measuring: Measuring,
  stores = Math.ceil(1_000 / measuring.shortenedBy),
): Promise<Figure> {
  const seconds = Math.ceil(30 / measuring.shortenedBy);
  const times = Math.ceil(10 / measuring.shortenedBy);
  let steady: Steady | undefined;
  const { detections, others } = await breakMembers(measuring, {
    kind: "store",
    verb: "kill",
    times,
    only: ["tikv-3"],
    plan: {
      graceScale,
      adjust: manyStores(stores, { hosts: ["tikv-1", "tikv-2"], singles: 1, regions: stores * regionsPerStore }),
    },
    isWell: (watch, sinceMs) => isServing(watch, stores, sinceMs),
    onWell: async (stack) => {
      steady = await steadyOf(stack, seconds, measuring);
    },
  });
  if (!steady) throw new Error("nothing was measured before the first kill");
  const eventMs = detections.map((one) => one.eventMs);
  const cpu = steady.used.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
  return {
    name: "tikv-thousand",
    title: `${stores} stores at a second's rhythm (simulated cluster)`,
    claims: [
      claim("detection p95", percentile(eventMs, 0.95), "ms", { atMost: 2_000 }),
      claim("CPU of observer and checker together", cpu, "% of a core", { atMost: 100 }),
      claim("tickets about anything else", others.length, "", { atMost: 0 }),
    ],
    facts: [
      ...steady.used.map(
        ({ name, cpuPercent, rssMb }) => `${name}: ${short(cpuPercent)} % of a core, ${short(rssMb)} MB`,
      ),
      ...steady.sent.map(
        ({ what, jsonBytes, sentBytes }) =>
          `${what}: ${short(jsonBytes / 1_024)} KiB of JSON, ${short(sentBytes / 1_024)} KiB as stored with its headers`,
      ),
      ...detectionFacts(measuring, detections, others, graceScale),
    ],
    data: { seed: measuring.seed, stores, seconds, steady, detections, others },
  };
}

interface Steady {
  used: { name: string; cpuPercent: number; rssMb: number }[];
  sent: { what: string; jsonBytes: number; sentBytes: number }[];
}

/** What observer and checker take and send while nothing happens. */
async function steadyOf(stack: Stack, seconds: number, { say, signal }: Measuring): Promise<Steady> {
  const bus = await stack.connect("cli");
  await sleep(settleMs, undefined, { signal });
  const services = ["observer-1", "checker-1"].map((name) => ({ name, pid: stack.service(name).pid }));
  const channels = [flow.snapshot, flow.verdicts];
  const look = async () => ({
    cpu: services.map(({ pid }) => cpuSeconds(pid)),
    stored: await Promise.all(channels.map(({ stream }) => storedIn(bus, stream))),
    atMs: performance.now(),
  });
  const before = await look();
  say(`thousand: ${seconds} s of rest`);
  await sleep(seconds * 1_000, undefined, { signal });
  const after = await look();
  const used = services.map(({ name, pid }, at) => ({
    name,
    cpuPercent: (((after.cpu[at] ?? 0) - (before.cpu[at] ?? 0)) * 100_000) / (after.atMs - before.atMs),
    rssMb: residentMb(pid),
  }));
  const { subject } = stack;
  const newest = [
    await bus.last(flow.snapshot, patternOf(flow.snapshot, { subject })),
    await bus.last(flow.verdicts, patternOf(flow.verdicts, { subject })),
  ];
  const sent = channels.map(({ name }, at) => {
    const [from, to] = [before.stored[at], after.stored[at]];
    return {
      what: name,
      jsonBytes: Buffer.byteLength(JSON.stringify(newest[at]?.message ?? null)),
      sentBytes: from && to ? (to.bytes - from.bytes) / (to.messages - from.messages) : Number.NaN,
    };
  });
  return { used, sent };
}

async function storedIn(bus: Bus, stream: string): Promise<{ messages: number; bytes: number }> {
  const { state } = await bus.link.api.streams.info(stream);
  return { messages: state.messages, bytes: state.bytes };
}

/**
 * Every store answers and no ticket is open. A store that is back leads nothing for minutes among a thousand, so nothing
 * can be said of its latency.
 */
function isServing(watch: Watch, stores: number, sinceMs: number): boolean {
  if (!watch.verdicts || watch.verdicts.atMs <= sinceMs) return false;
  const isOpen = [...watch.tickets.values()].some(({ ticket }) => ticket.status === "open");
  const answer = watch.verdicts.message.lines.filter((line) => line.invariant === "store_down" && line.state === "ok");
  return !isOpen && answer.length === stores;
}

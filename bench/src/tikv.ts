import { setTimeout as sleep } from "node:timers/promises";
import { Stack } from "@operator/stack/stack";
import { z } from "zod";
import { breakMembers, detectionFacts } from "./break-members.ts";
import { claim, type Figure, type Measuring, percentile, short, spread } from "./figures.ts";
import { measureThousand } from "./tikv-thousand.ts";
import { until } from "./waiting.ts";
import { Watch } from "./watch.ts";

/** So often PD is asked for its own word beside ours: each time costs up to 20 s, and a minute until all is well. */
const pdTimes = 5;
const pdWithinMs = 30_000;
/** The cluster's times with the loop's: with graces alone shortened, an election would outlast the grace for one. */
const shortenedBy = 4;
const shortened = { graceScale: 1 / shortenedBy, timeScale: shortenedBy };
/** An hour in five minutes. */
const hourScale = 12;

/** By the names of `--only`. */
export const tikvFigures: Record<string, (measuring: Measuring) => Promise<Figure>> = {
  kill: measureKill,
  pause: measurePause,
  quiet: measureQuiet,
  thousand: measureThousand,
};

/**
 * From SIGKILL of a store to its ticket, with waiting times shortened; and a few at full length beside the time that PD
 * itself takes to call it `Disconnected`.
 */
async function measureKill(measuring: Measuring): Promise<Figure> {
  const times = Math.ceil(30 / measuring.shortenedBy);
  const many = await breakMembers(measuring, { kind: "store", verb: "kill", times, plan: shortened });
  const pdMs: number[] = [];
  const full = await breakMembers(measuring, {
    kind: "store",
    verb: "kill",
    times: Math.ceil(pdTimes / measuring.shortenedBy),
    plan: { graceScale: 1 },
    wellMsMax: 180_000,
    onBroken: async (stack, _, seenAs, brokenMs) => {
      await untilPdSays(stack, seenAs, "Disconnected", measuring.signal);
      pdMs.push(performance.now() - brokenMs);
    },
  });
  const eventMs = many.detections.map((one) => one.eventMs);
  const fullMs = full.detections.map((one) => one.eventMs);
  const others = [...many.others, ...full.others];
  return {
    name: "tikv-kill",
    title: "store killed → ticket open (simulated cluster)",
    claims: [
      claim("p50", percentile(eventMs, 0.5), "ms", { atMost: 100 }),
      claim("p95", percentile(eventMs, 0.95), "ms", { atMost: 300 }),
      claim("tickets about anything else", others.length, "", { atMost: 0 }),
    ],
    facts: [
      ...shortenedFacts(measuring, many),
      `at full length: ${spread(fullMs)}`,
      `beside it PD's own \`Disconnected\`, of the simulator, which has a real PD's 20 s since the last heartbeat: ${spread(pdMs)}`,
    ],
    data: { seed: measuring.seed, ...many, full, pdMs },
  };
}

/** From SIGSTOP of a store to its ticket. */
async function measurePause(measuring: Measuring): Promise<Figure> {
  const times = Math.ceil(12 / measuring.shortenedBy);
  const paused = await breakMembers(measuring, { kind: "store", verb: "pause", times, plan: shortened });
  const eventMs = paused.detections.map((one) => one.eventMs);
  return {
    name: "tikv-pause",
    title: "store paused → ticket open (simulated cluster)",
    claims: [
      claim("p95", percentile(eventMs, 0.95), "ms", { atMost: 1_500 }),
      claim("tickets about anything else", paused.others.length, "", { atMost: 0 }),
    ],
    facts: shortenedFacts(measuring, paused),
    data: { seed: measuring.seed, ...paused },
  };
}

function shortenedFacts(measuring: Measuring, { detections, others }: Awaited<ReturnType<typeof breakMembers>>) {
  return [
    ...detectionFacts(measuring, detections, others, shortened.graceScale),
    `waiting times of PD and TiKV divided by ${shortenedBy}, as the loop's; the probe, which sees it, has its own`,
  ];
}

/** An hour of healthy load, the simulator's time and the loop's graces twelve times as fast: no ticket. */
async function measureQuiet(measuring: Measuring): Promise<Figure> {
  const { say, signal } = measuring;
  const minutes = 60 / hourScale / measuring.shortenedBy;
  await using stack = await Stack.start({
    subject: "tikv",
    graceScale: 1 / hourScale,
    timeScale: hourScale,
  });
  await using watch = await Watch.start(await stack.connect("cli"), "tikv");
  const startedMs = performance.now();
  await until("all well", () => watch.isWell(startedMs), { withinMs: 90_000, signal, everyMs: 50 });
  const before = [...watch.tickets.keys()];
  say(`tikv-quiet: ${short(minutes)} min at ${hourScale} times the speed`);
  await sleep(minutes * 60_000, undefined, { signal });
  const opened = [...watch.tickets.values()].filter(({ ticket }) => !before.includes(ticket.id));
  return {
    name: "tikv-quiet",
    title: `an hour of healthy load at ${hourScale} times the speed (simulated cluster)`,
    claims: [claim("tickets", opened.length, "", { atMost: 0 })],
    facts: [
      `${short(minutes)} min; every waiting time of PD and TiKV, and every grace, divided by ${hourScale}`,
      ...opened.map(({ ticket }) => `${ticket.id}: ${ticket.violation.summary}`),
    ],
    data: { minutes, tickets: opened.map(({ ticket }) => ticket.id) },
  };
}

const Stores = z.object({
  stores: z.array(z.object({ store: z.object({ id: z.number(), state_name: z.string() }) })),
});

/** Asks whichever PD answers, every 100 ms. The simulator's ids are small enough for a number. */
async function untilPdSays(stack: Stack, target: string, state: string, signal: AbortSignal): Promise<void> {
  const endpoints = (stack.environment["TIKV_PD_ENDPOINTS"] ?? "")
    .split(",")
    .map((part) => part.replace(/^[^=]*=/, ""));
  const look = async () => {
    for (const endpoint of endpoints) {
      try {
        const answer = await fetch(`${endpoint}/pd/api/v1/stores`, { signal });
        if (!answer.ok) continue;
        const { stores } = Stores.parse(await answer.json());
        return stores.some(({ store }) => `store-${store.id}` === target && store.state_name === state);
      } catch {
        // The next one is asked.
      }
    }
    return false;
  };
  await until(`PD calls ${target} ${state}`, look, { withinMs: pdWithinMs, signal, everyMs: 100 });
}

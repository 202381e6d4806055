import { setTimeout as sleep } from "node:timers/promises";
import { rawCompareAndSet } from "@operator/bus/baseline-writes";
import type { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { Stack } from "@operator/stack/stack";
import { claim, type Figure, type Measuring, median, short } from "./figures.ts";
import { manyAtOnce } from "./many-at-once.ts";
import { violationOf } from "./violations.ts";
import { until } from "./waiting.ts";

const concurrency = 16;
const warmRounds = 3;
const rawMs = 2_000;
/** The server goes on with what raw writes left it to do. */
const restMs = 1_000;
const ticketsMsMax = 60_000;

/**
 * How fast one ticketer makes tickets of violations that wait for it, against raw compare-and-set on KV by 16 at a time.
 * The ticketer is stopped while the violations are published, so that it alone is measured and not who publishes.
 */
export async function measureTickets(measuring: Measuring): Promise<Figure> {
  const { subject, rounds, say, signal } = measuring;
  const count = Math.ceil(2_000 / measuring.shortenedBy);
  await using stack = await Stack.start({
    subject,
    members: false,
    counts: { observer: 0, checker: 0, diagnoser: 0 },
  });
  const [checker, reader] = [await stack.connect("checker"), await stack.connect("cli")];
  await using server = await startProvisionedNats();
  const at = { servers: server.url, user: "ticketer", password: server.passwords.ticketer };
  const ticketer = stack.service("ticketer-1");

  const kept = await reader.bucket("tickets", Ticket);

  const bytes = await ticketBytes(checker, reader, measuring);
  const measureRaw = (round: number) =>
    rawCompareAndSet(at, {
      bucket: "tickets",
      keyPrefix: `${subject}.node_down.r${round}`,
      bytes,
      concurrency,
      durationMs: rawMs,
      signal,
    });
  const measureOurs = async (name: string) => {
    await sleep(restMs, undefined, { signal });
    const before = (await reader.streamState("TICKETS")).messages;
    const keptBefore = await kept.lastRevision();
    const nowMs = Date.now();
    ticketer.signal("SIGSTOP");
    try {
      await manyAtOnce(count, 64, (index) =>
        checker.publish(
          flow.violation,
          violationOf({ subject, target: `${name}-${index}`, occurrences: 1, asOf: nowMs, sinceMs: nowMs }),
          { signal },
        ),
      );
    } finally {
      ticketer.signal("SIGCONT");
    }
    const startedMs = performance.now();
    // A ticket's event is sent after the ticket stands in KV, and there's one for each.
    await until(`${count} tickets`, async () => (await reader.streamState("TICKETS")).messages >= before + count, {
      withinMs: ticketsMsMax,
      signal,
      everyMs: 20,
    });
    const tookMs = performance.now() - startedMs;
    // The last ones are recorded as sent after their events: not in the next round's time.
    await until("all recorded as sent", async () => (await kept.lastRevision()) >= keptBefore + 2 * count, {
      withinMs: ticketsMsMax,
      signal,
    });
    return (count * 1_000) / tookMs;
  };

  // A ticketer that has run for a while has compiled what it does often.
  for (let round = 1; round <= warmRounds; round++) await measureOurs(`warm${round}`);
  await measureRaw(0);
  const [ours, raws]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    const raw = async () => raws.push(await measureRaw(round));
    const our = async () => ours.push(await measureOurs(`r${round}`));
    for (const measure of round % 2 === 0 ? [our, raw] : [raw, our]) await measure();
    say(`tickets, round ${round} of ${rounds}: ${short(ours.at(-1) ?? 0)}/s, raw ${short(raws.at(-1) ?? 0)}/s`);
  }

  const present = (await kept.entries(subject)).filter(({ value }) => value.invariant === "node_down");
  const wanted = 1 + count * (rounds + warmRounds);
  const ratios = ours.map((one, round) => one / (raws[round] ?? Number.NaN));
  return {
    name: "tickets",
    title: "distinct violations → tickets, against raw compare-and-set",
    claims: [
      claim("ours ÷ raw", median(ratios), "×", { atLeast: 0.12 }),
      claim("tickets", median(ours), "/s", { atLeast: 1_000 }),
      claim("tickets in KV that are missing or too many", Math.abs(present.length - wanted), "", { atMost: 0 }),
    ],
    facts: [
      `one ticketer, tickets/s by round: ${ours.map(short).join(", ")} (${count} each)`,
      `raw compare-and-set by ${concurrency} at a time, values of ${bytes} bytes, writes/s: ${raws.map(short).join(", ")}`,
      `ratios: ${ratios.map(short).join(", ")}`,
    ],
    data: { ours, raws, count, bytes, concurrency },
  };
}

/** The size of a ticket as it is stored. */
async function ticketBytes(checker: Bus, reader: Bus, { subject, signal }: Measuring): Promise<number> {
  const nowMs = Date.now();
  await checker.publish(
    flow.violation,
    violationOf({ subject, target: "sample", occurrences: 1, asOf: nowMs, sinceMs: nowMs }),
    { signal },
  );
  const tickets = await reader.bucket("tickets", Ticket);
  const stored = await until("the first ticket", () => tickets.get(`${subject}.node_down.sample`), {
    withinMs: 10_000,
    signal,
  });
  return Buffer.byteLength(JSON.stringify(stored.value));
}

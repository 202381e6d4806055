import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { Stack } from "@operator/stack/stack";
import { claim, type Figure, type Measuring, short } from "./figures.ts";
import { manyAtOnce } from "./many-at-once.ts";
import { violationOf } from "./violations.ts";
import { until } from "./waiting.ts";

const ticketers = 4;
const publishesAtOnce = 256;

/** One violation said 100,000 times to four ticketers, the bus killed and restarted in the middle: one ticket, nothing lost. */
export async function measureHot(measuring: Measuring): Promise<Figure> {
  const { subject, say, signal } = measuring;
  const count = Math.ceil(100_000 / measuring.shortenedBy);
  await using stack = await Stack.start({
    subject,
    members: false,
    counts: { observer: 0, checker: 0, diagnoser: 0, ticketer: ticketers },
  });
  const [checker, reader] = [await stack.connect("checker"), await stack.connect("cli")];
  const tickets = await reader.bucket("tickets", Ticket);
  const sinceMs = Date.now();
  const target = "hot";

  let restartedWithinMs: number | undefined;
  let restarting: Promise<void> | undefined;
  const restart = async () => {
    const killedMs = performance.now();
    await stack.nats.kill("SIGKILL");
    await stack.nats.restart();
    restartedWithinMs = performance.now() - killedMs;
    say(`hot: the bus was killed, up again after ${short(restartedWithinMs)} ms`);
  };

  const startedMs = performance.now();
  let lost = 0;
  await manyAtOnce(count, publishesAtOnce, async (index) => {
    signal.throwIfAborted();
    if (index === Math.floor(count / 2)) restarting = restart();
    if (index % 10_000 === 0) say(`hot: ${index} of ${count} published`);
    const violation = violationOf({ subject, target, occurrences: index + 1, asOf: sinceMs + index, sinceMs });
    const { stored } = await checker.publish(flow.violation, violation, { signal });
    if (stored === "repeat") lost++;
  });
  const publishedMs = performance.now() - startedMs;
  await restarting;
  const head = await until(
    "the last occurrence in the ticket",
    async () => {
      const now = await tickets.get(`${subject}.node_down.${target}`);
      return now && now.value.occurrences >= count && now;
    },
    { withinMs: 60_000, signal, everyMs: 20 },
  );
  const tookMs = performance.now() - startedMs;
  const { messages } = await reader.streamState("VIOLATIONS");
  const found = (await tickets.entries(`${subject}.node_down`)).filter(({ value }) => value.target === target);
  const alive = [...stack.services.values()].filter(({ running }) => running).length;
  return {
    name: "hot",
    title: `one violation ${count.toLocaleString("en")} times, ${ticketers} ticketers, the bus killed in the middle`,
    claims: [
      claim("tickets", found.length, "", { atMost: 1 }),
      claim("occurrences missing or too many", Math.abs(head.value.occurrences - count), "", { atMost: 0 }),
      claim("messages stored twice or lost", Math.abs(messages - count), "", { atMost: 0 }),
      claim("all folded within", tookMs / 1_000, "s", { atMost: 60 }),
      claim("ticketers alive at the end", alive, "", { atLeast: ticketers }),
    ],
    facts: [
      `published within ${short(publishedMs / 1_000)} s, ${short((count * 1_000) / publishedMs)}/s, ${publishesAtOnce} at a time; folded ${short(tookMs - publishedMs)} ms later`,
      `the bus was up again ${short(restartedWithinMs ?? Number.NaN)} ms after its SIGKILL; ${lost} were stored though their acknowledgement was lost`,
      `the ticket has revision ${head.value.revision} and ${head.value.history.length} entries`,
    ],
    data: { count, tookMs, publishedMs, restartedWithinMs, lost, revision: head.value.revision },
  };
}

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Stack } from "@operator/stack/stack";
import { claim, type Figure, type Measuring, percentile, short } from "./figures.ts";
import { startHogs } from "./hogs.ts";
import { readLoadLines } from "./load-lines.ts";
import { supportFor } from "./support.ts";
import { until } from "./waiting.ts";
import { Watch } from "./watch.ts";

const sayEveryMs = 30_000;

/** Healthy load for a while: every ticket is held against what the load generator itself saw of its target then. */
export async function measureQuiet(measuring: Measuring, given: { minutes: number; busy: boolean }): Promise<Figure> {
  const { subject, say, signal } = measuring;
  await using stack = await Stack.start({ subject });
  const bus = await stack.connect("cli");
  await using watch = await Watch.start(bus, subject);
  const startedMs = performance.now();
  await until("all well", () => watch.isWell(startedMs), { withinMs: 60_000, signal, everyMs: 50 });
  const before = [...watch.tickets.keys()];
  await using hogs = given.busy ? await startHogs(stack.folder) : undefined;

  const fromMs = Date.now();
  const endMs = performance.now() + given.minutes * 60_000;
  const ofThen = () => [...watch.tickets.values()].filter(({ ticket }) => !before.includes(ticket.id));
  for (let leftMs = endMs - performance.now(); leftMs > 0; leftMs = endMs - performance.now()) {
    await sleep(Math.min(leftMs, sayEveryMs), undefined, { signal });
    say(
      `quiet: ${short((endMs - performance.now()) / 60_000)} of ${given.minutes} min left, ${ofThen().length} tickets`,
    );
  }
  const tickets = ofThen().map(({ ticket }) => ticket);

  const log = [...stack.loads.keys()].map((name) => readFileSync(stack.logFile(name), "utf8")).join("\n");
  const lines = readLoadLines(log);
  const within = lines.filter(({ atMs }) => atMs >= fromMs);
  const judged = tickets.map((ticket) => {
    const ready = stack.members.get(ticket.target)?.plan.ready;
    const url = ready && "url" in ready ? new URL(ready.url).origin : undefined;
    return {
      id: ticket.id,
      summary: ticket.violation.summary,
      openedAtMs: ticket.openedAtMs,
      support: supportFor(ticket, lines, url),
    };
  });
  const contradicted = judged.filter(({ support }) => support === undefined);
  const sum = (of: "sent" | "errors" | "degraded" | "overAdmitted") =>
    within.reduce((total, line) => total + line[of], 0);
  const seconds = given.minutes * 60;
  const unwell = watch.verdicts?.message.lines.filter(({ state }) => state !== "ok").length ?? Number.NaN;
  return {
    name: given.busy ? "quiet-busy" : "quiet",
    title: `${given.minutes} min of healthy load${hogs ? `, ${hogs.count} busy loops at nice 19` : ""}`,
    claims: [
      claim("tickets that the load's figures contradict", contradicted.length, "", { atMost: 0 }),
      claim("verdicts not ok at the end", unwell, "", { atMost: 0 }),
      claim("seconds that the load told of", within.length / seconds, "of all", { atLeast: 0.9 }),
    ],
    facts: [
      `${tickets.length} tickets`,
      ...judged.map(
        ({ id, summary, support }) =>
          `${id}: ${summary}; ${support === undefined ? "contradicted" : `the load saw ${support}`}`,
      ),
      `the load: ${sum("sent")} requests, ${sum("errors")} errors, ${sum("degraded")} decided without Redis, ${sum("overAdmitted")} over-admitted`,
      `the load's p99 by second: p50 ${short(
        percentile(
          within.map(({ p99Ms }) => p99Ms ?? 0),
          0.5,
        ),
      )}, max ${short(
        percentile(
          within.map(({ p99Ms }) => p99Ms ?? 0),
          1,
        ),
      )} ms`,
      `${before.length} tickets were opened while all was starting`,
    ],
    data: {
      ...given,
      tickets: judged,
      openedAtStart: before,
      seconds: within.length,
      requests: sum("sent"),
      errors: sum("errors"),
    },
  };
}

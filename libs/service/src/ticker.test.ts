import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { ServiceMetrics } from "./metrics.ts";
import { ticker } from "./ticker.ts";

function contextOf(stop: AbortController) {
  const lines: string[] = [];
  const about = { service: "s", instance: "s-1", level: "info", secrets: [] };
  const log = createLogger({ ...about, write: (line) => lines.push(line) });
  return { lines, log, metrics: new ServiceMetrics("s"), signal: stop.signal };
}

test("the first tick comes at once, and the next ones on a rhythm that a tick's own time doesn't stretch", async () => {
  const stop = new AbortController();
  const times: number[] = [];
  await ticker(contextOf(stop), {
    name: "t",
    everyMs: 50,
    tick: async () => {
      times.push(performance.now());
      await sleep(30);
      if (times.length === 6) stop.abort();
    },
  });
  // Six ticks are five beats; had each begun after the former's end and a whole beat, they'd be 80 ms apart.
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(245);
});

test("never two at once: a late tick skips beats", async () => {
  const stop = new AbortController();
  let running = 0;
  let ticks = 0;
  await ticker(contextOf(stop), {
    name: "t",
    everyMs: 5,
    tick: async () => {
      expect(++running).toBe(1);
      await sleep(23);
      running--;
      if (++ticks === 4) stop.abort();
    },
  });
  expect(ticks).toBe(4);
});

test("a failure is counted and logged, and the next beat tries again", async () => {
  const stop = new AbortController();
  const context = contextOf(stop);
  let ticks = 0;
  await ticker(context, {
    name: "renew",
    everyMs: 5,
    tick: async () => {
      if (++ticks === 3) stop.abort();
      else throw new Error("the bus was away");
    },
  });
  expect(
    context.lines.filter((line) => line.includes("tick failed") && line.includes("the bus was away")),
  ).toHaveLength(2);
  expect(await context.metrics.registry.getSingleMetricAsString("operator_tick_failures_total")).toContain(
    `"renew",service="s"} 2`,
  );
});

test("a tick hears when it has taken too long, and when the service stops", async () => {
  const stop = new AbortController();
  const context = contextOf(stop);
  let ticks = 0;
  await ticker(context, {
    name: "t",
    everyMs: 5,
    limitMs: 20,
    tick: async (signal) => {
      if (++ticks === 2) setImmediate(() => stop.abort());
      await sleep(30_000, undefined, { signal });
    },
  });
  expect(ticks).toBe(2);
  expect(context.lines.filter((line) => line.includes("tick failed"))).toHaveLength(1);
});

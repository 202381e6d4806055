import { setTimeout as sleep } from "node:timers/promises";
import { Stack } from "@operator/stack/stack";
import { claim, type Figure, type Measuring, short } from "./figures.ts";
import { cpuSeconds, residentMb } from "./process-usage.ts";
import { until } from "./waiting.ts";
import { Watch } from "./watch.ts";

const settleMs = 5_000;

/** What the operator's services take of the machine at their default rhythm, and how long the demo takes to be up. */
export async function measureFootprint(measuring: Measuring): Promise<Figure> {
  const { subject, say, signal } = measuring;
  const seconds = Math.ceil(30 / measuring.shortenedBy);
  const startedMs = performance.now();
  const parts: string[] = [];
  await using stack = await Stack.start({ subject, onUp: (part, ms) => parts.push(`${part} ${short(ms / 1_000)} s`) });
  const upS = (performance.now() - startedMs) / 1_000;
  const bus = await stack.connect("cli");
  await using watch = await Watch.start(bus, subject);
  await until("all well", () => watch.isWell(startedMs), { withinMs: 60_000, signal, everyMs: 50 });
  const wellS = (performance.now() - startedMs) / 1_000;

  await sleep(settleMs, undefined, { signal });
  const services = [...stack.services].map(([name, { pid }]) => ({ name, pid }));
  const others = [...stack.members, ...stack.loads].map(([name, { pid }]) => ({ name, pid }));
  const all = [...services, { name: "nats-server", pid: stack.nats.pid }, ...others];
  const before = new Map(all.map(({ name, pid }) => [name, cpuSeconds(pid)]));
  const fromMs = performance.now();
  say(`footprint: ${seconds} s at the default rhythm`);
  await sleep(seconds * 1_000, undefined, { signal });
  const elapsedS = (performance.now() - fromMs) / 1_000;
  const used = all.map(({ name, pid }) => ({
    name,
    cpuPercent: ((cpuSeconds(pid) - (before.get(name) ?? 0)) * 100) / elapsedS,
    rssMb: residentMb(pid),
  }));
  const ours = used.slice(0, services.length);
  const total = ours.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
  const largest = Math.max(...ours.map(({ rssMb }) => rssMb));
  return {
    name: "footprint",
    title: "the operator's services together, at their default rhythm",
    claims: [
      claim("CPU of all together", total, "% of a core", { atMost: 20 }),
      claim("memory of the largest", largest, "MB", { atMost: 100 }),
      claim("demo up", upS, "s", { atMost: 10 }),
    ],
    facts: [
      ...used.map(({ name, cpuPercent, rssMb }) => `${name}: ${short(cpuPercent)} % of a core, ${short(rssMb)} MB`),
      `up after ${short(upS)} s (${parts.join(", ")}); all verdicts ok after ${short(wellS)} s`,
    ],
    data: { seconds: elapsedS, used, upS, wellS },
  };
}

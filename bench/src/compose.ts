import { setTimeout as sleep } from "node:timers/promises";
import { ComposeStack, whyNoDocker } from "@operator/stack/compose-stack";
import { claim, type Figure, type Measuring, percentile, short, spread } from "./figures.ts";
import { seededRandom } from "./random.ts";
import { until } from "./waiting.ts";
import { type SeenTicket, Watch } from "./watch.ts";

/** Hold-downs double for what keeps coming back: scaled, so that 20 kills take minutes. The grace is 0 either way. */
const graceScale = 0.1;
const detectMsMax = 30_000;
const wellMsMax = 120_000;
const measuredS = 30;

/** The stack in containers: how long it takes to be up, what the operator takes of the machine, and how soon a killed container is a ticket. */
export async function measureCompose(measuring: Measuring): Promise<Figure> {
  const why = whyNoDocker();
  if (why !== undefined) throw new Error(`${why}: this figure needs a Docker engine with compose`);
  const { subject, say, signal, seed } = measuring;
  const random = seededRandom(seed);
  await using stack = await ComposeStack.make({ OPERATOR_GRACE_SCALE: String(graceScale) });
  say("compose: up");
  const upMs = performance.now();
  await stack.compose("up", "--detach", "--wait", "--wait-timeout", "170");
  const upS = (performance.now() - upMs) / 1_000;
  await using watch = await Watch.start(await stack.connect(), subject);
  const well = async () => {
    const sinceMs = performance.now();
    await until("all well", () => watch.isWell(sinceMs), { withinMs: wellMsMax, signal }).catch((error: unknown) => {
      throw signal.aborted ? error : new Error(`${String(error)}: ${watch.complaints()}`);
    });
  };
  await well();

  const seconds = Math.ceil(measuredS / measuring.shortenedBy);
  say(`compose: ${seconds} s at the default rhythm`);
  const used = await usageOf(stack, seconds, signal);

  const nodes = await stack.members("node");
  const times = Math.ceil(20 / measuring.shortenedBy);
  const eventMs: number[] = [];
  const others: string[] = [];
  for (let time = 1; time <= times; time++) {
    await sleep(random() * 1_000, undefined, { signal });
    const { target, container } = nodes[Math.floor(random() * nodes.length)] ?? { target: "", container: "" };
    const { promise: opened, resolve } = Promise.withResolvers<SeenTicket>();
    const stopListening = watch.onTicket((seen) => {
      if (!seen.ticket.reasons.includes("first-seen")) return;
      if (seen.ticket.target === target && seen.ticket.violation.detail.kind === "unreachable") resolve(seen);
      else others.push(seen.ticket.id);
    });
    try {
      const killMs = performance.now();
      await stack.docker("kill", container);
      const late = sleep(detectMsMax, undefined, { signal, ref: false }).then(() => {
        throw new Error(`no ticket about ${target} within ${detectMsMax} ms of its kill`);
      });
      const { atMs } = await Promise.race([opened, late]);
      eventMs.push(atMs - killMs);
      say(`compose: kill ${time} of ${times}: ${target}, ticket after ${Math.round(atMs - killMs)} ms`);
      await stack.docker("start", container);
      await well();
    } finally {
      stopListening();
    }
  }
  const cpu = used.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
  return {
    name: "compose",
    title: "the stack in containers",
    claims: [
      claim("up, images present, to all healthy", upS, "s", { atMost: 45 }),
      claim("container killed → ticket open, p95", percentile(eventMs, 0.95), "ms", { atMost: 1_000 }),
      claim("memory of the operator's largest", Math.max(...used.map(({ memoryMb }) => memoryMb)), "MB", {
        atMost: 100,
      }),
      claim("CPU of the operator's together", cpu, "% of a core", { atMost: 20 }),
      claim("tickets about anything else", others.length, "", { atMost: 0 }),
    ],
    facts: [
      `from the start of \`docker kill\` to the ticket's event at a reader on the host: ${spread(eventMs)}`,
      ...used.map(
        ({ name, cpuPercent, memoryMb }) => `${name}: ${short(cpuPercent)} % of a core, ${short(memoryMb)} MB`,
      ),
      `seed ${seed}: random nodes, random moments; hold-downs scaled by ${graceScale}, the grace is 0`,
      ...others.map((id) => `also opened: ${id}`),
    ],
    data: { seed, upS, eventMs, used, others },
  };
}

/** What each of the operator's own containers takes, its health checks included, by the engine's account of its group. */
async function usageOf(stack: ComposeStack, seconds: number, signal: AbortSignal) {
  const services = (await stack.running()).filter(({ isOperator }) => isOperator);
  const before = await Promise.all(services.map(({ container }) => cpuSeconds(stack, container)));
  const fromMs = performance.now();
  await sleep(seconds * 1_000, undefined, { signal });
  const after = await Promise.all(services.map(({ container }) => cpuSeconds(stack, container)));
  const elapsedS = (performance.now() - fromMs) / 1_000;
  const memory = await Promise.all(services.map(({ container }) => memoryMbOf(stack, container)));
  return services.map(({ service }, at) => ({
    name: service,
    cpuPercent: (((after[at] ?? 0) - (before[at] ?? 0)) * 100) / elapsedS,
    memoryMb: memory[at] ?? Number.NaN,
  }));
}

/** Of all that ran in the container, by its control group of version 2 or 1. */
async function cpuSeconds(stack: ComposeStack, container: string): Promise<number> {
  const files = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage";
  const said = await stack.docker("exec", container, "bash", "-c", files);
  const microseconds = /usage_usec (\d+)/.exec(said)?.[1];
  return microseconds === undefined ? Number(said.trim()) / 1e9 : Number(microseconds) / 1e6;
}

/** As `docker stats` says it: without the cache of files. */
async function memoryMbOf(stack: ComposeStack, container: string): Promise<number> {
  const said = await stack.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container);
  const [, value = "", unit = ""] = /^([\d.]+)([KMG])iB/.exec(said) ?? [];
  const perUnit: Record<string, number> = { K: 1 / 1_024, M: 1, G: 1_024 };
  return Number(value) * (perUnit[unit] ?? Number.NaN) * 1.048576;
}

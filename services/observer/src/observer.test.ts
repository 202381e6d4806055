import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus } from "@operator/bus/bus";
import { ask } from "@operator/bus/query";
import { readInOrder } from "@operator/bus/read-in-order";
import { flow } from "@operator/contracts/flow";
import { atPointer, toPointer } from "@operator/contracts/json";
import type { LogTail } from "@operator/contracts/logs";
import { TargetName } from "@operator/contracts/names";
import { queries } from "@operator/contracts/query";
import type { Snapshot } from "@operator/contracts/snapshot";
import { Stack } from "@operator/stack/stack";
import { ProbeReading } from "@operator/subject/probe";
import { until } from "@operator/subject/probe.fixture";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { LeaseEntry } from "./lease.ts";

const instances = ["observer-1", "observer-2"] as const;
const withinMs = 20_000;
let stack: Stack;
let bus: Bus;
let reading: Reading;

beforeAll(async () => {
  stack = await Stack.start({
    subject: "ratelimiter",
    load: false,
    counts: { observer: 2, checker: 0, ticketer: 0, diagnoser: 0 },
  });
  bus = await stack.connect("cli");
  reading = readAll(bus);
});
afterEach(async () => {
  for (const instance of instances) {
    const program = stack.service(instance);
    program.signal("SIGCONT");
    if (!program.running) await stack.startService("observer", instance);
  }
});
afterAll(async () => {
  reading?.stop();
  await stack?.stop();
});

interface Reading {
  /** Every snapshot, in the stream's order. */
  snapshots: Snapshot[];
  stop: () => void;
}

function readAll(bus: Bus): Reading {
  const stop = new AbortController();
  const snapshots: Snapshot[] = [];
  void (async () => {
    for await (const { received } of readInOrder(bus, flow.snapshot, { from: "first", signal: stop.signal }))
      snapshots.push(...received.map(({ message }) => message));
  })();
  return { snapshots, stop: () => stop.abort() };
}

async function active(): Promise<(typeof instances)[number]> {
  const bucket = await bus.bucket("leases", LeaseEntry);
  let found: (typeof instances)[number] | undefined;
  let first: LeaseEntry | undefined;
  await until(
    "one observer is active",
    async () => {
      const lease = (await bucket.get("observer.ratelimiter"))?.value;
      found = instances.find((instance) => instance === lease?.instance);
      // A lease outlives who was killed, and who is started again has the same name: only who renews it is active.
      if (first?.tenure !== lease?.tenure) first = lease;
      const isRenewed = lease !== undefined && first !== undefined && lease.beat > first.beat;
      return isRenewed && found !== undefined && stack.service(found).running;
    },
    withinMs,
  );
  if (!found) throw new Error("nobody is active");
  return found;
}

function last(): Snapshot | undefined {
  return reading.snapshots.at(-1);
}

/** Waits for a snapshot of a later epoch than this. */
async function takenOver(epoch: number): Promise<void> {
  await until("another epoch has begun", () => (last()?.epoch ?? 0) > epoch, withinMs);
}

async function aSnapshot(): Promise<Snapshot> {
  const seen = reading.snapshots.length;
  await until("a snapshot comes", () => reading.snapshots.length > seen, withinMs);
  const snapshot = last();
  if (!snapshot) throw new Error("no snapshot");
  return snapshot;
}

function partOf(snapshot: Snapshot | undefined, source: string, target: string): unknown {
  return snapshot && atPointer(snapshot, toPointer(["parts", source, target]));
}

function probeOf(snapshot: Snapshot | undefined, target: string): ProbeReading | undefined {
  return ProbeReading.safeParse(partOf(snapshot, "probe", target)).data;
}

/** What the room's registry reading says of nodes, as far as this test needs it. */
const Registry = z.object({
  nodes: z.record(z.string(), z.object({ status: z.string().optional() })),
  departed: z.record(z.string(), z.number()),
});

function registryOf(snapshot: Snapshot | undefined): z.infer<typeof Registry> | undefined {
  return Registry.safeParse(partOf(snapshot, "registry", "cluster")).data;
}

/** What a reader of the stream relies on. */
function expectOrder(snapshots: Snapshot[]): void {
  const newest = new Map<number, Snapshot>();
  for (const snapshot of snapshots) {
    const before = newest.get(snapshot.epoch);
    expect(snapshot.n).toBeGreaterThan(before?.n ?? 0);
    expect(snapshot.atMs).toBeGreaterThan(before?.atMs ?? 0);
    newest.set(snapshot.epoch, snapshot);
    for (const { targets } of Object.values(snapshot.sources))
      for (const { readAtMs } of Object.values(targets)) expect(readAtMs ?? 0).toBeLessThanOrEqual(snapshot.atMs);
  }
}

/** Snapshots of an epoch that came after a later epoch had begun. */
function stragglers(snapshots: Snapshot[]): Snapshot[] {
  let newest = 0;
  return snapshots.filter(({ epoch }) => {
    newest = Math.max(newest, epoch);
    return epoch < newest;
  });
}

test("a killed member is in a snapshot that doesn't wait for the rhythm", async () => {
  await until("node-b is up", () => probeOf(last(), "node-b")?.state === "up", withinMs);
  await stack.member("node-b").kill();
  await until("it's known", () => probeOf(last(), "node-b")?.state === "refused", withinMs);
  const first = reading.snapshots.find(({ atMs, ...rest }) => {
    const probe = probeOf({ atMs, ...rest }, "node-b");
    return probe?.state === "refused" && probe.lastAnswerAtMs !== undefined;
  });
  expect(first?.cause).toBe("change");
  await stack.member("node-b").restart();
  await until("it's up again", () => probeOf(last(), "node-b")?.state === "up", withinMs);
});

test("a node that stops on purpose is never seen down without its goodbye", async () => {
  for (let round = 1; round <= 3; round += 1) {
    await until("node-c is up", () => probeOf(last(), "node-c")?.state === "up", withinMs);
    const seen = reading.snapshots.length;
    stack.member("node-c").signal("SIGTERM");
    await until(
      "it left",
      () => last() !== undefined && registryOf(last())?.departed["node-c"] !== undefined,
      withinMs,
    );
    for (const snapshot of reading.snapshots.slice(seen)) {
      if (probeOf(snapshot, "node-c")?.state !== "refused") continue;
      const { nodes, departed } = registryOf(snapshot) ?? {};
      expect(nodes?.["node-c"]?.status === "draining" || departed?.["node-c"] !== undefined).toBe(true);
    }
    await stack.member("node-c").exited;
    await stack.member("node-c").restart();
  }
});

test("a diagnoser is told the ends of the logs by the active one, clean, also of who is dead; nobody else may ask", async () => {
  await active();
  await stack.member("node-b").kill();
  appendFileSync(stack.logFile("node-b"), `{"time":${Date.now()},"msg":"password=hunter222 \u001b[31mred"}\n`);
  await using diagnoser = await stack.connect("diagnoser");
  const near = ["key-load-0", "node-b", "redis", "nobody"].map((name) => TargetName.parse(name));
  const logs = await ask(diagnoser, queries.logs, "ratelimiter", { near });
  expect(Object.keys(logs)).toEqual(["node-b", "redis"]);
  const textsOf = (tail: LogTail | undefined) => (tail?.kind === "read" ? tail.lines.map(({ text }) => text) : []);
  const [node, redis] = Object.values(logs);
  expect(textsOf(node).join()).toContain('"msg":"listening"');
  expect(textsOf(node).at(-1)).toContain('"msg":"password=[secret] red"');
  expect(textsOf(redis).join()).toContain("Ready to accept connections");
  for (const line of node?.kind === "read" ? node.lines : [])
    expect(Math.abs(Date.now() - line.atMs)).toBeLessThan(120_000);

  await expect(ask(diagnoser, queries.state, "ratelimiter", {}, { withinMs: 500 })).rejects.toMatchObject({
    code: "NO_ANSWER",
  });
  await using actuator = await stack.connect("actuator");
  await expect(ask(actuator, queries.logs, "ratelimiter", { near }, { withinMs: 500 })).rejects.toMatchObject({
    code: "NO_ANSWER",
  });
  await stack.member("node-b").restart();
});

test("what is asked with a read tool the active one answers, and a standby doesn't; nobody else may ask", async () => {
  const was = await active();
  await using diagnoser = await stack.connect("diagnoser");
  const question = { name: "get_reading", parameters: { source: "registry" } };
  const answer = await ask(diagnoser, queries.observe, "ratelimiter", question);
  expect(answer).toMatchObject({ kind: "read", value: { cluster: { value: { nodes: { "node-a": {} } } } } });
  const odd = await ask(diagnoser, queries.observe, "ratelimiter", { name: "get_everything", parameters: {} });
  expect(odd).toMatchObject({ kind: "refused", code: "TOOL_UNKNOWN" });
  expect(JSON.stringify(odd)).toContain("get_everything");
  await using actuator = await stack.connect("actuator");
  const asked = ask(actuator, queries.observe, "ratelimiter", question, { withinMs: 500 });
  await expect(asked).rejects.toMatchObject({ code: "NO_ANSWER" });
  // Its lease outlives it by longer than that.
  await stack.service(was).kill();
  const late = ask(diagnoser, queries.observe, "ratelimiter", question, { withinMs: 500 });
  await expect(late).rejects.toMatchObject({ code: "NO_ANSWER" });
});

test("the active one killed: the other goes on, in a higher epoch, claiming nothing that it hasn't read", async () => {
  const was = await active();
  const { epoch } = await aSnapshot();
  await stack.service(was).kill();
  await takenOver(epoch);
  expect(await active()).not.toBe(was);
  const [first] = reading.snapshots.filter((snapshot) => snapshot.epoch > epoch);
  // Its sources and targets are listed from the start, and no reading is older than itself.
  const sources = ["counters", "limits", "metrics", "probe", "redis", "registry"];
  expect(Object.keys(first?.sources ?? {}).toSorted()).toEqual(sources);
  for (const [source, { targets }] of Object.entries(first?.sources ?? {})) {
    const read = new Map(Object.entries(first?.parts ?? {})).get(source) ?? {};
    for (const [target, { readAtMs }] of Object.entries(targets)) expect(target in read).toBe(readAtMs !== undefined);
  }
  expectOrder(reading.snapshots);
  expect(stragglers(reading.snapshots)).toEqual([]);
});

test("the active one frozen and woken: it says nothing more with the lease that it lost", async () => {
  const was = await active();
  const { epoch } = await aSnapshot();
  stack.service(was).signal("SIGSTOP");
  await takenOver(epoch);
  const wokenAtMs = Date.now();
  stack.service(was).signal("SIGCONT");
  for (let n = 0; n < 3; n += 1) await aSnapshot();
  // One may have been on its way when it was frozen, but none is made after it woke.
  expect(stragglers(reading.snapshots).filter(({ atMs }) => atMs >= wokenAtMs)).toEqual([]);
  expectOrder(reading.snapshots);

  // It stands by again, and is there when it's needed.
  const now = await active();
  expect(now).not.toBe(was);
  const later = await aSnapshot();
  await stack.service(now).kill();
  await takenOver(later.epoch);
  expect(await active()).toBe(was);
});

test("the active one stopped: it ends well, and the other goes on", async () => {
  const was = await active();
  const { epoch } = await aSnapshot();
  stack.service(was).signal("SIGTERM");
  await takenOver(epoch);
  await stack.service(was).exited;
  expect(stack.service(was).ending).toBe(0);
});

test("the bus killed and started again: it's observed again, and nobody died of it", async () => {
  const was = await active();
  const { epoch } = await aSnapshot();
  await stack.nats.kill();
  const lost = `"epoch":${epoch},"why":"not-renewed"`;
  await until("the lease is lost", () => readFileSync(stack.logFile(was), "utf8").includes(lost), withinMs);
  await stack.nats.restart();
  await until("snapshots come again", async () => (await aSnapshot()).epoch > epoch, withinMs);
  for (const instance of instances) expect(stack.service(instance).running).toBe(true);
  expectOrder(reading.snapshots);
});

test("a bad start says every bad variable at once, no password, and ends with 78", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
    env: {
      PATH: process.env["PATH"],
      OPERATOR_SUBJECT: "ratelimiter",
      RATELIMITER_NODES: "node-a",
      RATELIMITER_REDIS_URL: "http://user:the-password@host",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).toBe(78);
  expect(said).not.toContain("the-password");
  for (const words of ["OPERATOR_NATS_PASSWORD", "RATELIMITER_REDIS_URL", '"node-a" is no node'])
    expect(said).toContain(words);
});

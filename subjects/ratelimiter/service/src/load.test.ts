import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { startNodeProcess } from "./node.fixture.ts";
import { freePort, startRedis } from "./redis.fixture.ts";
import { until } from "./until.fixture.ts";

// The load generator as it's run: a process of its own against real nodes.

const Line = z.looseObject({
  type: z.enum(["load", "summary"]),
  atMs: z.int(),
  sent: z.int(),
  allowed: z.int(),
  denied: z.int(),
  errors: z.int(),
  degraded: z.int(),
  overAdmitted: z.int(),
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  byNode: z.record(z.string(), z.object({ answers: z.int(), errors: z.int(), p99Ms: z.number().nullable() })),
});
const limits = { RATELIMITER_DEFAULT_LIMIT: "5", RATELIMITER_DEFAULT_WINDOW_MS: "1000" };
const toSuchLimits = ["--limit", "5", "--window-ms", "1000", "--rate", "100", "--keys", "4", "--seed", "7"];

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

test("it asks all nodes alike, sees denials and no window that held too much", async () => {
  const redis = use(await startRedis());
  const nodes = [
    use(await startNodeProcess("a", redis.url, limits)),
    use(await startNodeProcess("b", redis.url, limits)),
  ];
  await until("all decide by Redis", async () =>
    (await Promise.all(nodes.map((node) => node.get("/healthz")))).every((answer) => answer.status === 200),
  );
  const { lines, summary } = await runLoad(
    nodes.map((node) => node.url),
    ["--duration-ms", "2500"],
  );
  expect(lines.length).toBeGreaterThanOrEqual(2);
  expect(summary).toMatchObject({ seed: 7, errors: 0, degraded: 0, overAdmitted: 0 });
  expect(summary.sent).toBe(summary.allowed + summary.denied);
  expect(summary.sent).toBeGreaterThan(50);
  expect(summary.allowed).toBeGreaterThan(0);
  expect(summary.denied).toBeGreaterThan(0);
  expect(lines.reduce((sum, line) => sum + line.sent, 0)).toBe(summary.sent);
  const answers = nodes.map((node) => summary.byNode[node.url]?.answers ?? 0);
  expect(Math.abs((answers[0] ?? 0) - (answers[1] ?? 0))).toBeLessThanOrEqual(1);
});

test("nodes that don't share a Redis admit too much together, and it finds that out", async () => {
  const redises = [use(await startRedis()), use(await startRedis())];
  const nodes = [
    use(await startNodeProcess("a", redises[0]?.url ?? "", limits)),
    use(await startNodeProcess("b", redises[1]?.url ?? "", limits)),
  ];
  await until("all decide by Redis", async () =>
    (await Promise.all(nodes.map((node) => node.get("/healthz")))).every((answer) => answer.status === 200),
  );
  const { summary } = await runLoad(
    nodes.map((node) => node.url),
    ["--duration-ms", "1500"],
  );
  expect(summary.overAdmitted).toBeGreaterThan(0);
});

test("its beat is the line of the last second in which it asked: one that asks no more has none", async () => {
  const redis = use(await startRedis());
  const node = use(await startNodeProcess("a", redis.url));
  const folder = mkdtempSync(join(tmpdir(), "load-"));
  try {
    const file = join(folder, "beat.json");
    const { lines } = await runLoad([node.url], ["--rate", "0.1", "--duration-ms", "2500", "--beat-file", file]);
    const [asking, ...idle] = lines;
    expect(asking?.sent).toBe(1);
    expect(idle.length).toBeGreaterThan(0);
    expect(idle.filter(({ sent }) => sent > 0)).toEqual([]);
    expect(Line.parse(JSON.parse(readFileSync(file, "utf8")))).toEqual(asking);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a node that's down is an error, and the others are asked as before; SIGTERM ends it with a summary", async () => {
  const redis = use(await startRedis());
  const node = use(await startNodeProcess("a", redis.url));
  const down = `http://127.0.0.1:${await freePort()}`;
  const { summary, code } = await runLoad([node.url, down], ["--rate", "60"], "SIGTERM");
  expect(code).toBe(0);
  expect(summary.byNode[down]?.errors).toBe(summary.byNode[down]?.answers);
  expect(summary.byNode[down]?.errors).toBeGreaterThan(0);
  expect(summary.byNode[node.url]?.errors).toBe(0);
  expect(summary.errors).toBe(summary.byNode[down]?.errors);
});

test("a node that hangs costs the timeout, no more", async () => {
  const redis = use(await startRedis());
  const [well, hung] = [use(await startNodeProcess("a", redis.url)), use(await startNodeProcess("b", redis.url))];
  hung.signal("SIGSTOP");
  const { summary } = await runLoad([well.url, hung.url], ["--duration-ms", "1000", "--timeout-ms", "300"]);
  expect(summary.byNode[hung.url]?.errors).toBe(summary.byNode[hung.url]?.answers);
  expect(summary.allowed).toBeGreaterThan(0);
});

test("what was let through without Redis is degraded, and not held against it", async () => {
  const redis = use(await startRedis());
  const node = use(await startNodeProcess("a", redis.url, limits));
  await until("Redis is connected", async () => (await node.get("/healthz")).status === 200);
  await redis.kill();
  const { summary } = await runLoad([node.url], ["--duration-ms", "1200"]);
  expect(summary.degraded).toBe(summary.sent);
  expect(summary.allowed).toBe(summary.sent);
  expect(summary.overAdmitted).toBe(0);
});

test("what it can't do is said at once, with 78", async () => {
  const { code, stderr } = await runProcess(["--rate", "0", "--key-limits", "k"]);
  expect(code).toBe(78);
  for (const name of ["--targets", "--rate", "--key-limits"]) expect(stderr).toContain(name);
});

function use<T extends AsyncDisposable>(one: T): T {
  stack.push(one);
  return one;
}

/** Runs it to its end, or until it has reported once and is then told to stop. */
async function runLoad(targets: string[], args: string[], signal?: NodeJS.Signals) {
  const { stdout, code } = await runProcess(["--targets", targets.join(","), ...toSuchLimits, ...args], signal);
  const all = stdout
    .trim()
    .split("\n")
    .map((line) => Line.parse(JSON.parse(line)));
  const summary = all.find((line) => line.type === "summary");
  if (!summary) throw new Error(`no summary: ${stdout}`);
  return { lines: all.filter((line) => line.type === "load"), summary, code };
}

async function runProcess(args: string[], signal?: NodeJS.Signals) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("load.ts", import.meta.url)), ...args], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  if (signal) {
    await until("it has reported", () => stdout.includes('"type":"load"'));
    child.kill(signal);
  }
  await exited;
  return { stdout, stderr, code: child.exitCode };
}

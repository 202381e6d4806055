import { writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { readLoadConfig } from "./config-load.ts";
import { createExactness } from "./exactness.ts";
import { createTally } from "./load-tally.ts";
import { seededRandom } from "./random.ts";

/**
 * Asks the nodes in turn at a steady rate, and holds them from outside to what they promise: no window admits more
 * than its limit. One line of JSON a second, and a summary at the end (after --duration-ms, or SIGTERM).
 */

/** After a pause of this process what was missed is left out, because a burst would be another load. */
const catchUpMaxMs = 100;

const read = readLoadConfig(process.argv.slice(2));
if (!read.ok) {
  console.error(JSON.stringify({ type: "fatal", msg: "the load can't be made like this", problems: read.problems }));
  process.exit(78);
}

const { config } = read;
const seed = config.seed ?? Date.now() % 4_294_967_296;
const random = seededRandom(seed);
const keys = Array.from({ length: config.keys }, (_, at) => `load-${at}`);
const fallback = { limit: config.limit, windowMs: config["window-ms"] };
const exactness = createExactness((key) => config["key-limits"].get(key) ?? fallback);
const agent = new Agent({
  connections: 32,
  pipelining: 1,
  connectTimeout: config["timeout-ms"],
  keepAliveTimeout: 20_000,
});
const startedAtMs = performance.now();
const endAtMs = startedAtMs + (config["duration-ms"] ?? Infinity);
const total = createTally(config.targets);
let second = createTally(config.targets);
const underWay = new Set<Promise<void>>();
const stop = new AbortController();
let turn = 0;

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());

const reporting = setInterval(report, 1_000);
const pauseMs = 1_000 / config.rate;
let dueAtMs = startedAtMs;
while (!stop.signal.aborted && performance.now() < endAtMs) {
  const nowMs = performance.now();
  dueAtMs = Math.max(dueAtMs, nowMs - catchUpMaxMs);
  for (; dueAtMs <= nowMs; dueAtMs += pauseMs) {
    const asked: Promise<void> = ask().finally(() => underWay.delete(asked));
    underWay.add(asked);
  }
  await sleep(Math.min(Math.max(dueAtMs - performance.now(), 1), 100));
}
// No answer takes longer than the timeout, so this ends.
await Promise.all(underWay);
clearInterval(reporting);
report();
const durationMs = Math.round(performance.now() - startedAtMs);
console.log(JSON.stringify({ type: "summary", atMs: Date.now(), seed, durationMs, ...total.report() }));
await agent.destroy();

function report(): void {
  const counted = second.report();
  const line = JSON.stringify({ type: "load", atMs: Date.now(), ...counted });
  console.log(line);
  if (config["beat-file"] !== undefined && counted.sent > 0) writeFileSync(config["beat-file"], line);
  second = createTally(config.targets);
}

/** Some keys are asked for alike, the first also by a share of all: it's the one that gets denied. */
function anyKey(): string {
  const at = random() < config["hot-share"] ? 0 : Math.floor(random() * keys.length);
  return keys[at] ?? "load-0";
}

async function ask(): Promise<void> {
  const node = config.targets[turn++ % config.targets.length] ?? "";
  const key = anyKey();
  const sentAtMs = performance.now();
  total.sent();
  second.sent();
  const { status, degraded } = await send(node, key);
  const receivedAtMs = performance.now();
  const outcome = status === 200 ? "allowed" : status === 429 ? "denied" : "errors";
  // What was admitted without Redis isn't in its log: that's the failure policy, and counted as degraded.
  const overAdmitted = outcome === "allowed" && !degraded && exactness.admitted(key, { sentAtMs, receivedAtMs });
  const answer = { node, outcome, degraded, overAdmitted, tookMs: receivedAtMs - sentAtMs } as const;
  total.answered(answer);
  second.answered(answer);
}

async function send(node: string, key: string): Promise<{ status: number; degraded: boolean }> {
  try {
    const { statusCode, headers, body } = await request(`${node}/v1/check`, {
      dispatcher: agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key }),
      signal: AbortSignal.timeout(config["timeout-ms"]),
    });
    await body.dump();
    return { status: statusCode, degraded: headers["x-ratelimit-status"] === "degraded" };
  } catch {
    return { status: 0, degraded: false };
  }
}

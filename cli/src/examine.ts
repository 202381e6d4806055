import { spawnSync } from "node:child_process";
import type { Bus } from "@operator/bus/bus";
import { inspect } from "@operator/bus/inspect";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import { findServers } from "@operator/stack/servers";
import { z } from "zod";
import { readStatus } from "./read-status.ts";
import type { Check } from "./screens/doctor-report.ts";
import { verdictsLateMs } from "./screens/status-screen.ts";
import { lengthOf } from "./terminal/ages.ts";

/** What this machine has: Node, and the two servers that the demo starts. */
export async function examineMachine(): Promise<Check[]> {
  return [
    examineNode(process.versions.node),
    ...(await Promise.all(["nats-server", "redis-server"].map(examineServer))),
  ];
}

/** `package.json` wants 22.22 or newer: older ones don't run TypeScript. */
export function examineNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > 22 || (major === 22 && minor >= 22);
  return isNew
    ? { name: "node", outcome: "ok", says: version }
    : {
        name: "node",
        outcome: "fail",
        says: `${version} is too old`,
        todo: "start it by `npm run operator --`, which brings its own",
      };
}

async function examineServer(name: string): Promise<Check> {
  try {
    const { [name]: server } = await findServers([name]);
    if (!server) throw new Error("not found");
    const said = spawnSync(server.file, ["--version"], {
      env: { ...process.env, ...server.env },
      encoding: "utf8",
      timeout: 10_000,
    });
    const version = /\d+\.\d+\.\d+/.exec(`${said.stdout}${said.stderr}`)?.[0];
    if (version === undefined) throw new Error(`${server.file} doesn't say its version`);
    return { name, outcome: "ok", says: `${version} at ${server.file}` };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { name, outcome: "warn", says, todo: "only needed where the demo or tests are to run" };
  }
}

/** Whether the bus is what the plan says, and who was heard on it lately. */
export async function examineBus(bus: Bus, subjects: readonly SubjectName[], nowMs: () => number): Promise<Check[]> {
  const streams = await examineStreams(bus);
  // Without its streams nothing else can be asked.
  if (streams.outcome === "fail") return [streams];
  const services = await Promise.all(subjects.map((subject) => examineSubject(bus, subject, nowMs)));
  return [streams, ...services.flat(), await examineDeadLetters(bus)];
}

async function examineStreams(bus: Bus): Promise<Check> {
  const name = "streams";
  const inspected = await inspect(bus);
  const missing = inspected.filter(({ state }) => state === "missing").map(({ name }) => name);
  const different = inspected.filter(({ state }) => state === "different");
  if (missing.length > 0)
    return { name, outcome: "fail", says: `missing: ${missing.join(", ")}`, todo: "make them by `operator provision`" };
  if (different.length > 0) {
    const says = different.map(({ name, differences }) => `${name} (${differences.join(", ")})`).join("; ");
    return {
      name,
      outcome: "warn",
      says: `not as planned: ${says}`,
      todo: "`operator provision` brings them up to date",
    };
  }
  return { name, outcome: "ok", says: `${inspected.length} streams and buckets are as planned` };
}

async function examineSubject(bus: Bus, subject: SubjectName, nowMs: () => number): Promise<Check[]> {
  const [status, snapshot, leases] = await Promise.all([
    readStatus(bus, [subject], nowMs),
    bus.last(flow.snapshot, patternOf(flow.snapshot, { subject })),
    bus.bucket("leases", z.unknown()).then((bucket) => bucket.get(`observer.${subject}`)),
  ]);
  const [of] = status.subjects;
  const snapshotAgeMs = snapshot ? Math.max(0, nowMs() - snapshot.storedAtMs) : null;
  const checks = [
    heard(
      `observer ${subject}`,
      "snapshot",
      snapshotAgeMs,
      leases ? "; an observer holds the lease" : "; no observer holds the lease",
    ),
    heard(`checker ${subject}`, "verdicts", of?.verdictsAgeMs ?? null, ""),
  ];
  const waiting = of?.openTickets.filter(
    ({ diagnosis, openedAtMs }) => diagnosis === "queued" && nowMs() - openedAtMs > waitsLongMs,
  );
  if (waiting && waiting.length > 0)
    checks.push({
      name: `diagnoser ${subject}`,
      outcome: "warn",
      says: `${waiting.length} open tickets wait for a diagnosis for more than ${lengthOf(waitsLongMs)}`,
      todo: "is a diagnoser running?",
    });
  return checks;
}

const waitsLongMs = 30_000;

/** Whether a service that speaks every second was heard lately. */
export function heard(name: string, what: string, ageMs: number | null, also: string): Check {
  const service = name.split(" ")[0] ?? name;
  if (ageMs === null)
    return {
      name,
      outcome: "warn",
      says: `no ${what} within the last 2 hours${also}`,
      todo: `is the ${service} running?`,
    };
  if (ageMs > verdictsLateMs)
    return {
      name,
      outcome: "warn",
      says: `newest ${what}: ${lengthOf(ageMs)} old${also}`,
      todo: `is the ${service} running?`,
    };
  return { name, outcome: "ok", says: `newest ${what}: ${lengthOf(ageMs)} old${also}` };
}

async function examineDeadLetters(bus: Bus): Promise<Check> {
  const { messages } = await bus.streamState("DEAD");
  if (messages === 0) return { name: "dead letters", outcome: "ok", says: "none" };
  return {
    name: "dead letters",
    outcome: "warn",
    says: `${messages} within the last 30 days`,
    todo: "read them by `operator dead-letters list`",
  };
}

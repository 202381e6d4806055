import { Snapshot } from "@operator/contracts/snapshot";
import type { z } from "zod";

/** In event time: as often as a probe may change its mind, so that verdicts go out as often as they do, once a second. */
const rhythmMs = 250;
const nodes = ["node-a", "node-b", "node-c"];

/**
 * A rate limiter as its observer would say it, in which one more node each time refuses connections and then is found to
 * have left on purpose: each snapshot but the steady ones makes exactly one ticket event, opened or closed.
 */
export class HopSnapshots {
  readonly #subject: string;
  #n = 0;
  #atMs = Date.now();
  readonly #refusing = new Set<string>();

  constructor(subject: string) {
    this.#subject = subject;
  }

  /** As it was: what the observer says each second. */
  steady(): Snapshot {
    return this.#next("rhythm");
  }

  refused(name: string): Snapshot {
    this.#refusing.add(name);
    return this.#next("change");
  }

  left(name: string): Snapshot {
    this.#refusing.delete(name);
    return this.#next("change", name);
  }

  #next(cause: Snapshot["cause"], left?: string): Snapshot {
    this.#n += 1;
    this.#atMs += rhythmMs;
    const atMs = this.#atMs;
    const refusing = [...this.#refusing];
    const departed = left === undefined ? {} : { [left]: atMs - 5 };
    const report = (rhythmMs: number, targets: string[]) => ({
      rhythmMs,
      targets: Object.fromEntries(targets.map((target) => [target, { readAtMs: atMs - 1 }])),
    });
    const members = [...nodes, ...refusing];
    return Snapshot.parse({
      subject: this.#subject,
      epoch: 1,
      n: this.#n,
      atMs,
      cause,
      sources: {
        probe: report(250, [...members, "redis"]),
        registry: report(1_000, ["cluster"]),
        redis: report(1_000, ["redis"]),
        metrics: report(1_000, nodes),
      },
      parts: {
        probe: Object.fromEntries([
          ...[...nodes, "redis"].map((target) => [target, probed("up", atMs)]),
          ...refusing.map((target) => [target, probed("refused", atMs)]),
        ]),
        registry: { cluster: { redisTimeMs: atMs, members, nodes: registered(members, atMs), departed } },
        redis: { redis: redisReading },
        metrics: Object.fromEntries(nodes.map((node) => [node, metricsReading])),
      },
    } satisfies Loose<Snapshot>);
  }
}

/** What a schema takes: names that aren't branded yet. */
type Loose<_> = z.input<typeof Snapshot>;

function probed(state: "up" | "refused", atMs: number) {
  const answer = { lastAnswerAtMs: atMs - 3, latencyMs: 1.2 };
  const address = "http://127.0.0.1:40001/livez";
  return {
    state,
    address,
    sinceMs: state === "up" ? atMs - 60_000 : atMs,
    ...(state === "up" ? answer : { code: "ECONNREFUSED" }),
  };
}

function registered(members: string[], atMs: number) {
  const entry = {
    present: true,
    url: "http://127.0.0.1:40001",
    status: "up",
    startedAtMs: atMs - 60_000,
    heartbeatAtMs: atMs - 400,
  };
  return Object.fromEntries(members.map((member) => [member, entry]));
}

const redisReading = {
  role: "master",
  runId: "5f0e6a3c9b7d4e21a8c65d0f3b9e7a1c2d4f6b80",
  uptimeS: 3_600,
  loading: false,
  connectedClients: 8,
  usedMemoryBytes: 2_345_678,
  memoryMaxBytes: 0,
  evictedKeys: 0,
  operationsPerS: 210.5,
};

const metricsReading = {
  redisConnected: true,
  windowMs: 10_000,
  requests: 200,
  allowedPerS: 18.2,
  deniedPerS: 1.8,
  errorPerS: 0,
  byRedisPerS: 20,
  byFailOpenPerS: 0,
  byFailClosedPerS: 0,
  latencyP50Ms: 1.4,
  latencyP99Ms: 4.8,
};

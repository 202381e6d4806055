import { type Breach, breachMs, caseOf, type Parts, snapshotAt } from "@operator/evidence/case.fixture";
import type { Json } from "@operator/contracts/json";
import { parseState } from "@operator/subject/state";
import { state } from "./state.ts";
import { topology } from "./topology.ts";

export const nodes = ["node-a", "node-b", "node-c"] as const;

/** Fields of a reading; the snapshot's schema and the room's check what they come to. */
type Reading = Record<string, Json>;

export interface World {
  /** How each target takes probes; `up` unless told. */
  probe?: Record<string, Reading | undefined>;
  metrics?: Record<string, Reading | undefined>;
  registry?: Reading;
  redis?: Reading;
  /** Of the key `load-1`. */
  counters?: Reading;
}

/** What the sources read of three nodes and their Redis, all well but for what is told. */
export function partsAt(atMs: number, world: World = {}): Parts {
  const up = (target: string, port: number) => ({
    state: "up",
    sinceMs: atMs - 60_000,
    address: `127.0.0.1:${port}`,
    lastAnswerAtMs: atMs - 120,
    latencyMs: 0.8,
    ...world.probe?.[target],
  });
  const metrics = (node: string) => ({
    redisConnected: true,
    windowMs: 10_000,
    requests: 200,
    allowedPerS: 15.5,
    deniedPerS: 4.5,
    errorPerS: 0,
    byRedisPerS: 20,
    byFailOpenPerS: 0,
    byFailClosedPerS: 0,
    latencyP50Ms: 0.9,
    latencyP99Ms: 2.4,
    ...world.metrics?.[node],
  });
  const limit = { limit: 20, windowMs: 10_000 };
  const counters = {
    key: "load-1",
    applied: [{ ...limit, nodes: [...nodes] }],
    declared: limit,
    fromMs: atMs - 9_000,
    toMs: atMs - 1_500,
    inRedis: 12,
    admitted: 12,
    ahead: 0,
    unsettled: 0,
    uncompared: 0,
    silent: [],
    promised: { ...limit, by: "declared", admitted: 14, isWhole: true, isHeld: true },
    ...world.counters,
  };
  const entry = (node: string, port: number) => [
    node,
    { present: true, url: `http://127.0.0.1:${port}`, status: "up", heartbeatAtMs: atMs - 600 },
  ];
  return {
    probe: Object.fromEntries([...nodes.map((node, at) => [node, up(node, 4001 + at)]), ["redis", up("redis", 6379)]]),
    metrics: Object.fromEntries(nodes.map((node) => [node, metrics(node)])),
    registry: {
      cluster: {
        redisTimeMs: atMs - 100,
        members: [...nodes],
        nodes: Object.fromEntries(nodes.map((node, at) => entry(node, 4001 + at))),
        departed: {},
        ...world.registry,
      },
    },
    counters: { "key-load-1": counters },
    redis: {
      redis: { role: "master", runId: "3f2a", uptimeS: 3_600, connectedClients: 9, operationsPerS: 61, ...world.redis },
    },
  };
}

/** A probe reading of a target that is down since the breach. */
export function down(how: "refused" | "silent", code: string): Reading {
  return { state: how, code, sinceMs: breachMs - 5, lastAnswerAtMs: breachMs - 140 };
}

/** The case of a breach in this world, one snapshot after all was well. */
export function caseIn(world: World, breach: Omit<Breach, "bad" | "good" | "topology">) {
  const good = snapshotAt(breachMs - 900, partsAt(breachMs - 900));
  const bad = snapshotAt(breachMs, partsAt(breachMs, world));
  return caseOf({ ...breach, bad, good, topology: topology.targets(parseState(state, bad).state) });
}

import { TimeMs } from "@operator/contracts/names";
import { ProbeReading } from "@operator/subject/probe";
import { defineState, type StateOf } from "@operator/subject/state";
import { z } from "zod";

const count = z.int().nonnegative();
const perSecond = z.number().nonnegative();

/** The nodes' own register in Redis, read whole in one step. One target: `cluster`. */
export const RegistryReading = z.object({
  /** Redis' clock, the one that heartbeats are written by. */
  redisTimeMs: TimeMs,
  /** Nodes that joined and didn't leave; a dead one stays in here. */
  members: z.array(z.string()),
  /** What each member last wrote of itself. `present: false`: its entry expired, so its heartbeat stopped. */
  nodes: z.record(
    z.string(),
    z.object({
      present: z.boolean(),
      url: z.string().optional(),
      status: z.string().optional(),
      startedAtMs: TimeMs.optional(),
      heartbeatAtMs: TimeMs.optional(),
    }),
  ),
  /** Nodes that left on purpose, and when: the proof that one isn't missing. */
  departed: z.record(z.string(), TimeMs),
});
export type RegistryReading = z.infer<typeof RegistryReading>;

/** What Redis says of itself (INFO). One target: `redis`. */
export const RedisReading = z.object({
  role: z.string().optional(),
  /** A restart draws a new one. */
  runId: z.string().optional(),
  uptimeS: count.optional(),
  /** Reading its data from disk: answers nothing else. */
  loading: z.boolean().optional(),
  connectedClients: count.optional(),
  usedMemoryBytes: count.optional(),
  /** 0: no limit. */
  memoryMaxBytes: count.optional(),
  evictedKeys: count.optional(),
  operationsPerS: perSecond.optional(),
});
export type RedisReading = z.infer<typeof RedisReading>;

/** What a node's own metrics say. One target per node. Rates and quantiles are of the window before the reading. */
export const MetricsReading = z.object({
  /** Whether the node's last Redis commands succeeded. */
  redisConnected: z.boolean().optional(),
  /** How far back the window reaches: 10 s, less after a start of the node or of the observer; absent until two readings. */
  windowMs: z.int().positive().optional(),
  /** Decisions timed within the window. */
  requests: count.optional(),
  /** Decisions by outcome. */
  allowedPerS: perSecond.optional(),
  deniedPerS: perSecond.optional(),
  errorPerS: perSecond.optional(),
  /** Decisions by who made them: Redis, or the failure policy in its place. */
  byRedisPerS: perSecond.optional(),
  byFailOpenPerS: perSecond.optional(),
  byFailClosedPerS: perSecond.optional(),
  /** Decision latency; absent when nothing was decided in the window. At most the histogram's largest finite bound. */
  latencyP50Ms: z.number().nonnegative().optional(),
  latencyP99Ms: z.number().nonnegative().optional(),
});
export type MetricsReading = z.infer<typeof MetricsReading>;

/** The state of the rate limiter, source by source. */
export const state = defineState({
  /** Each node by `GET /livez`, and `redis` by `PING`. */
  probe: ProbeReading,
  registry: RegistryReading,
  redis: RedisReading,
  metrics: MetricsReading,
});
export type State = StateOf<typeof state>;

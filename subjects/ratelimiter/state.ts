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
  /** Admitted since the reading before, by Redis and by the failure policy. */
  allowedLately: count.optional(),
  failedOpenLately: count.optional(),
  /** Decision latency; absent when nothing was decided in the window. At most the histogram's largest finite bound. */
  latencyP50Ms: z.number().nonnegative().optional(),
  latencyP99Ms: z.number().nonnegative().optional(),
});
export type MetricsReading = z.infer<typeof MetricsReading>;

const Limit = z.object({ limit: z.int().positive(), windowMs: z.int().positive() });

/** Which keys have limits of their own. One target: `cluster`. */
export const LimitsReading = z.object({
  /** Counts up with every change of a stored limit. */
  version: count,
  /** Keys with a stored limit. */
  stored: count,
  /** Keys whose counters are watched: all declared ones, and of the stored ones as many as there's room for. */
  watched: z.array(z.string()),
});
export type LimitsReading = z.infer<typeof LimitsReading>;

/**
 * What the nodes say they admitted of a key against what Redis has logged of it. One target per key that is watched:
 * `key-<key>`. Times are Redis'; a span begins after its first moment and ends with its last.
 */
export const CountersReading = z.object({
  key: z.string(),
  /** The limits that nodes apply to it, and who: more than one when they disagree. */
  applied: z.array(Limit.extend({ nodes: z.array(z.string()) })),
  /** Stored for this key; absent: the nodes' default applies. */
  stored: Limit.optional(),
  /** What has to hold by a person's word, whatever is stored. */
  declared: Limit.optional(),
  /** The part of the window in which both sides are complete. */
  fromMs: TimeMs,
  toMs: TimeMs,
  /** Hits in Redis, and admissions by the nodes' own accounts, in that part. */
  inRedis: count,
  admitted: count,
  /** Hits of a time that is yet to come, whatever put them there: they stay until long after it. Part of `inRedis`. */
  ahead: count,
  /** Asked of Redis without an answer: it may have logged these or not. */
  unsettled: count,
  /** Hits and admissions in the rest of the window: from before a node or Redis started, so nobody can compare them. */
  uncompared: count,
  /** Nodes whose account couldn't be read. */
  silent: z.array(z.string()),
  /** What was admitted in windows of the limit that has to hold: the declared one, else the stored one. */
  promised: Limit.extend({
    by: z.enum(["declared", "stored"]),
    /** In the fullest of those that ended within the last seconds, by nodes with a place in the register. */
    admitted: count,
    /** The accounts reach back to the beginning of the latest window. */
    isWhole: z.boolean(),
    /** It has been this limit for the whole of each window. */
    isHeld: z.boolean(),
  }).optional(),
});
export type CountersReading = z.infer<typeof CountersReading>;

/** The state of the rate limiter, source by source. */
export const state = defineState({
  /** Each node by `GET /livez`, and `redis` by `PING`. */
  probe: ProbeReading,
  registry: RegistryReading,
  redis: RedisReading,
  metrics: MetricsReading,
  limits: LimitsReading,
  counters: CountersReading,
});
export type State = StateOf<typeof state>;

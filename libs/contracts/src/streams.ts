const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const mebibyte = 1024 * 1024;

/** How a stream keeps its messages. `fold`: read in order by anyone. `work`: each message to one worker, gone when acknowledged. */
export interface StreamPlan {
  kind: "fold" | "work";
  maxAgeMs: number;
  maxBytes: number;
  /** `one`: the first message of an address stays and a second is refused, so what is cited can't be replaced. */
  perAddress: "many" | "one";
  /** What gives way when the stream is full. */
  discard: "old" | "new";
  /** Within this time a message id is stored once. */
  dedupeMs: number;
  /** Nothing in it can be deleted or purged, by anyone. */
  audit?: true;
}

/** Every stream. Each has an age and a size: without them a quiet address pins the first sequence for ever. */
export const streams = {
  SNAPSHOTS: {
    kind: "fold",
    maxAgeMs: 2 * hour,
    maxBytes: 4096 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
  VERDICTS: {
    kind: "fold",
    maxAgeMs: 2 * hour,
    maxBytes: 1024 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
  VIOLATIONS: {
    kind: "fold",
    maxAgeMs: 7 * day,
    maxBytes: 1024 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
  EVIDENCE: {
    kind: "fold",
    maxAgeMs: 30 * day,
    maxBytes: 1024 * mebibyte,
    perAddress: "one",
    discard: "new",
    dedupeMs: 2 * minute,
  },
  TICKETS: {
    kind: "fold",
    maxAgeMs: 90 * day,
    maxBytes: 1024 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
  JOBS: {
    kind: "work",
    maxAgeMs: 1 * day,
    maxBytes: 256 * mebibyte,
    perAddress: "one",
    discard: "new",
    dedupeMs: 2 * minute,
  },
  DIAGNOSES: {
    kind: "fold",
    maxAgeMs: 90 * day,
    maxBytes: 1024 * mebibyte,
    perAddress: "one",
    discard: "new",
    dedupeMs: 2 * minute,
  },
  ACTIONS: {
    kind: "fold",
    maxAgeMs: 365 * day,
    maxBytes: 1024 * mebibyte,
    perAddress: "one",
    discard: "new",
    dedupeMs: 2 * minute,
    audit: true,
  },
  APPROVALS: {
    kind: "fold",
    maxAgeMs: 7 * day,
    maxBytes: 64 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
  CHAOS: {
    kind: "work",
    maxAgeMs: 5 * minute,
    maxBytes: 16 * mebibyte,
    perAddress: "many",
    discard: "new",
    dedupeMs: 2 * minute,
  },
  FAULTS: {
    kind: "fold",
    maxAgeMs: 90 * day,
    maxBytes: 256 * mebibyte,
    perAddress: "one",
    discard: "new",
    dedupeMs: 2 * minute,
  },
  COMMANDS: {
    kind: "fold",
    maxAgeMs: 7 * day,
    maxBytes: 256 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
  DEAD: {
    kind: "fold",
    maxAgeMs: 30 * day,
    maxBytes: 1024 * mebibyte,
    perAddress: "many",
    discard: "old",
    dedupeMs: 2 * minute,
  },
} as const satisfies Record<string, StreamPlan>;
export type StreamName = keyof typeof streams;

/** A bucket of keys with compare-and-set, and who may write and read it. */
export interface BucketPlan {
  writers: readonly string[];
  readers: readonly string[];
  /** Writes of a key that are kept, the newest included; 64 at most. */
  history: number;
  /** Entries vanish after this time; 0 keeps them. */
  maxAgeMs: number;
  maxBytes: number;
  holds: string;
}

export const buckets = {
  leases: {
    writers: ["observer"],
    readers: ["observer", "cli"],
    history: 1,
    maxAgeMs: 2 * second,
    maxBytes: 16 * mebibyte,
    holds: "`observer.<subject>`: which observer is active; the revision that created it is the epoch",
  },
  checks: {
    writers: ["checker"],
    readers: ["checker", "cli"],
    history: 1,
    maxAgeMs: 0,
    maxBytes: 256 * mebibyte,
    holds: "`<subject>`: the checker's memory with the sequence of the snapshot that it has come to",
  },
  tickets: {
    writers: ["ticketer"],
    readers: ["ticketer", "diagnoser", "actuator", "cli"],
    history: 1,
    maxAgeMs: 0,
    maxBytes: 1024 * mebibyte,
    holds: "`<subject>.<invariant>.<target>`: the newest generation; `….<generation>`: each earlier one",
  },
  actions: {
    writers: ["actuator"],
    readers: ["actuator", "cli"],
    history: 1,
    maxAgeMs: 0,
    maxBytes: 256 * mebibyte,
    holds: "`<action>`: what is to be done, with its state",
  },
  control: {
    writers: ["actuator", "cli"],
    readers: ["actuator", "cli"],
    // Changes of the mode while no actuator is alive are kept until one copies them: as many as a bucket can.
    history: 64,
    maxAgeMs: 0,
    // Full, it would refuse the kill switch: so 64 entries as large as the server takes.
    maxBytes: 64 * mebibyte,
    holds: "`control`: whether actions may be executed, and which are being executed now",
  },
  refusals: {
    writers: ["actuator"],
    readers: ["actuator", "cli"],
    history: 1,
    // As long as the words themselves are kept: read again, a refused one is refused still.
    maxAgeMs: 7 * day,
    maxBytes: 256 * mebibyte,
    holds: "`<statement>-<sequence>`: a person's word that was refused, and why",
  },
  chaos: {
    writers: ["chaos"],
    readers: ["chaos", "cli"],
    history: 1,
    maxAgeMs: 0,
    maxBytes: 1 * mebibyte,
    holds: "`lever`: whether chaos is halted: all faults reverted, new ones refused",
  },
  silences: {
    writers: ["cli"],
    readers: ["ticketer", "notifier", "actuator", "cli"],
    history: 1,
    maxAgeMs: 7 * day,
    maxBytes: 1 * mebibyte,
    holds: "`<silence>`: a target of which nobody wants to hear for a time",
  },
  checkpoints: {
    writers: ["ticketer", "actuator", "notifier"],
    readers: ["ticketer", "actuator", "notifier", "cli"],
    history: 1,
    maxAgeMs: 0,
    maxBytes: 16 * mebibyte,
    holds: "`<service>.<stream>`: the sequence that a fold has come to",
  },
} as const satisfies Record<string, BucketPlan>;
export type BucketName = keyof typeof buckets;

/** The pull consumers of the work streams, made when the bus is provisioned. */
export const workers = {
  "diagnoser-critical": {
    stream: "JOBS",
    user: "diagnoser",
    filter: "operator.job.*.critical.>",
    ackWaitMs: 10 * second,
    deliveriesMax: 5,
    pendingMax: 256,
  },
  "diagnoser-normal": {
    stream: "JOBS",
    user: "diagnoser",
    filter: "operator.job.*.normal.>",
    ackWaitMs: 10 * second,
    deliveriesMax: 5,
    pendingMax: 256,
  },
  chaos: {
    stream: "CHAOS",
    user: "chaos",
    filter: "operator.chaos.commands",
    ackWaitMs: 10 * second,
    deliveriesMax: 5,
    pendingMax: 16,
  },
} as const satisfies Record<
  string,
  { stream: StreamName; user: string; filter: string; ackWaitMs: number; deliveriesMax: number; pendingMax: number }
>;
export type WorkerName = keyof typeof workers;

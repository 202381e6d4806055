import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { buckets, streams, workers } from "@operator/contracts/streams";
import { MESSAGE_BYTES_MAX } from "./envelope.ts";

const headerBytesMax = 64 * 1024;

export interface ConsumerPlan {
  stream: string;
  config: Partial<ConsumerConfig> & { durable_name: string };
}

/** Every stream, bucket and worker of the contracts as the server is to have it. */
export function plannedStreams(replicas: number): (Partial<StreamConfig> & { name: string })[] {
  const common = {
    storage: StorageType.File,
    num_replicas: replicas,
    allow_direct: true,
    max_msg_size: MESSAGE_BYTES_MAX + headerBytesMax,
    max_consumers: -1,
  };
  const ofMessages = Object.entries(streams).map(([name, plan]) => ({
    ...common,
    name,
    subjects: Object.values(flow)
      .filter((channel) => channel.stream === name)
      .map((channel) => patternOf(channel)),
    retention: plan.kind === "work" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: plan.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
    max_age: nanos(plan.maxAgeMs),
    max_bytes: plan.maxBytes,
    duplicate_window: nanos(plan.dedupeMs),
    // Snapshots say nearly the same each second, and are the only ones that fill a disk.
    compression: name === "SNAPSHOTS" ? StoreCompression.S2 : StoreCompression.None,
    ...("audit" in plan ? { deny_delete: true, deny_purge: true } : {}),
    ...(plan.perAddress === "one" ? { max_msgs_per_subject: 1, discard_new_per_subject: true } : {}),
  }));
  const ofBuckets = Object.entries(buckets).map(([name, plan]) => ({
    ...common,
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: nanos(plan.maxAgeMs),
    max_bytes: plan.maxBytes,
    max_msgs_per_subject: plan.history,
    duplicate_window: nanos(plan.maxAgeMs > 0 ? Math.min(plan.maxAgeMs, 120_000) : 120_000),
    // A roll-up takes a key's earlier writes with it.
    allow_rollup_hdrs: plan.history === 1,
    deny_delete: true,
  }));
  return [...ofMessages, ...ofBuckets];
}

export function plannedConsumers(replicas: number): ConsumerPlan[] {
  return Object.entries(workers).map(([name, worker]) => ({
    stream: worker.stream,
    config: {
      durable_name: name,
      filter_subject: worker.filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
      ack_wait: nanos(worker.ackWaitMs),
      max_ack_pending: worker.pendingMax,
      // The worker buries a message at delivery `deliveriesMax`; dying while it does must not be the end of the message.
      max_deliver: worker.deliveriesMax * 20,
      num_replicas: replicas,
    },
  }));
}

/** What a plan must not say, each for a loss that it led to elsewhere. */
export function lint(planned: (Partial<StreamConfig> & { name: string })[], consumers: ConsumerPlan[]): string[] {
  const ofStreams = planned.flatMap((stream) => {
    const isBucket = stream.name.startsWith("KV_");
    const problems: string[] = [];
    if (!stream.max_bytes || stream.max_bytes <= 0) problems.push("no max_bytes: it fills the disk");
    if (!isBucket && !stream.max_age) problems.push("no max_age: a quiet address pins the first sequence for ever");
    if (stream.max_msgs_per_subject === 1 && !isBucket && stream.discard !== DiscardPolicy.New) {
      problems.push("one message per address without discard new: what is cited could be replaced");
    }
    if (stream.max_age && stream.duplicate_window && stream.duplicate_window > stream.max_age) {
      problems.push("duplicate_window above max_age: the server refuses it");
    }
    return problems.map((problem) => `stream ${stream.name}: ${problem}`);
  });
  const ofConsumers = consumers.flatMap(({ config }) => {
    const problems: string[] = [];
    if (config.backoff) problems.push("backoff: it silently replaces ack_wait");
    if (!config.max_deliver || config.max_deliver < 1) problems.push("max_deliver without end: a bad message loops");
    if (!config.ack_wait) problems.push("no ack_wait");
    if (!config.max_ack_pending || config.max_ack_pending < 1) problems.push("no max_ack_pending");
    if (config.deliver_subject) problems.push("deliver_subject: work is pulled");
    return problems.map((problem) => `worker ${config.durable_name}: ${problem}`);
  });
  return [...ofStreams, ...ofConsumers];
}

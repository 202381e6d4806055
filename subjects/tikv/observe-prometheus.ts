import type { Reading, Source } from "@operator/subject/observation";
import type { KnownMembers } from "./known-members.ts";
import type { KnownStores } from "./known-stores.ts";
import type { PrometheusClient, Sample } from "./prometheus-client.ts";
import { type Instances, isMetricName, type MetricName, metrics, promqlOfAll } from "./promql.ts";
import type { PrometheusReading } from "./state.ts";
import { cluster } from "./targets.ts";

/** Every so many readings the rates and quantiles of the last minute are asked for, in place of what is now. */
const lastMinuteEvery = 5;
/** Those of so many stores are computed at once; of a thousand they take Prometheus seconds. Of more they're asked for in turns. */
const storesAtOnce = 50;
/** Then every other reading is one of the turns. */
const turnEvery = 2;
/** What was read in another reading counts so long; of the last minute, until its turn should long have come again. */
const keptMs = 12_000;

/**
 * What Prometheus has of stores, PD members and the cluster, in one query a second. Stores are told by their status
 * addresses, members by their client addresses.
 */
export function prometheusSource(
  prometheus: PrometheusClient,
  { members, stores, nowMs = Date.now }: { members: KnownMembers; stores: KnownStores; nowMs?: () => number },
): Source {
  const kept = new Map<string, { samples: Sample[]; atMs: number }>();
  let turn = 0;

  return {
    name: "prometheus",
    rhythmMs: 1_000,
    timeoutMs: 950,
    targets: () => [cluster, ...stores.watched().keys(), ...members.watched().keys()],
    read: async (signal) => {
      const byInstance = instancesOf(stores, members);
      const ofMembers = new Set(members.watched().keys());
      const addresses = Map.groupBy(byInstance, ([, target]) => (ofMembers.has(target) ? "members" : "stores"));
      const instances = { stores: firsts(addresses.get("stores")), members: firsts(addresses.get("members")) };
      const { name, promql, turns } = questionOf(turn, instances);
      turn += 1;
      kept.delete(name);
      const samples = await prometheus.query(promql, signal);
      kept.set(name, { samples, atMs: nowMs() });
      const turnsMs = Math.max(keptMs, turns * turnEvery * 1_000 * 1.5);
      const fresh = [...kept].flatMap(([of, { samples, atMs }]) =>
        nowMs() - atMs <= (of === "now" ? keptMs : turnsMs) ? samples : [],
      );

      const readings = new Map<string, PrometheusReading>(
        [cluster, ...byInstance.values()].map((target) => [target, {}]),
      );
      for (const sample of fresh) {
        const { reading: name = "", instance = "" } = sample.labels;
        if (!isMetricName(name)) continue;
        const target = metrics[name].of === "cluster" ? cluster : byInstance.get(instance);
        const reading = readings.get(target ?? "");
        if (reading && isOf(metrics[name].of, target ?? "", ofMembers)) take(reading, name, sample);
      }
      const gone = [...stores.listed().keys()].filter((target) => !stores.watched().has(target));
      const left = [...gone, ...stores.departed(), ...members.departed()].map(
        (target) => [target, { left: true }] as const,
      );
      return Object.fromEntries<Reading>([
        ...left,
        // A store without a status address can't be told in Prometheus: nothing is known of it.
        ...[...stores.watched().keys()].map((target) => [target, { value: {} }] as const),
        ...[...readings].map(([target, value]) => [target, { value }] as const),
      ]);
    },
  };
}

/** What is asked in a reading, and in how many turns the last minute is asked for. The second reading has both paces. */
function questionOf(turn: number, instances: Instances): { name: string; promql: string; turns: number } {
  const now = { name: "now", promql: promqlOfAll("now", instances) };
  const { stores } = instances;
  if (stores.length <= storesAtOnce) {
    if (turn % lastMinuteEvery !== 1) return { ...now, turns: 1 };
    return { name: "lastMinute", promql: promqlOfAll("lastMinute", instances), turns: 1 };
  }
  const turns = Math.ceil(stores.length / storesAtOnce) + 1;
  if (turn % turnEvery !== 1) return { ...now, turns };
  const at = Math.floor(turn / turnEvery) % turns;
  const some = { ...instances, stores: stores.slice(at * storesAtOnce, (at + 1) * storesAtOnce) };
  // The cluster's quantile is of all stores, so it has a turn of its own.
  const promql =
    some.stores.length > 0
      ? promqlOfAll("lastMinute", some, "others")
      : promqlOfAll("lastMinute", instances, "cluster");
  return { name: `lastMinute ${at}`, promql, turns };
}

function instancesOf(stores: KnownStores, members: KnownMembers): Map<string, string> {
  return new Map([
    ...members.instances(),
    ...[...stores.watched()].flatMap(([target, { statusAddress }]) =>
      statusAddress === undefined ? [] : [[statusAddress, target] as const],
    ),
  ]);
}

function firsts(entries: readonly [string, string][] = []): string[] {
  return entries.map(([first]) => first);
}

function isOf(of: (typeof metrics)[MetricName]["of"], target: string, members: ReadonlySet<string>): boolean {
  if (of === "cluster" || of === "store and member") return true;
  return members.has(target) === (of === "member");
}

const healths = {
  "miss-peer-region-count": "miss",
  "down-peer-region-count": "down",
  "pending-peer-region-count": "pending",
  "offline-peer-region-count": "offline",
  "extra-peer-region-count": "extra",
  "learner-peer-region-count": "learner",
  "empty-region-count": "empty",
} as const;

function take(reading: PrometheusReading, name: MetricName, { labels, value: exact }: Sample): void {
  // Who cites a value shouldn't have to write seventeen digits.
  const value = Math.round(exact * 1_000) / 1_000;
  if (name === "isScraped" || name === "hasEtcdLeader") reading[name] = value === 1;
  else if (name === "regionHealth") {
    const health = Object.entries(healths).find(([type]) => type === labels["type"])?.[1];
    if (health !== undefined) reading.regionHealth = { ...reading.regionHealth, [health]: value };
  } else if (name === "clusterRequestsPerS") reading.requestsPerS = value;
  else if (name === "clusterP99Ms") reading.p99Ms = value;
  else reading[name] = value;
}

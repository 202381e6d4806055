/** A condition on labels, e.g. `{type="leader",instance=~"127\\.0\\.0\\.1:20180"}`. */
type Where = (labels?: string) => string;

/** What Prometheus is asked of each store or PD member, or of the cluster. */
export interface Metric {
  /** Whose: by `instance`, the address that is scraped; or one value (or one by `type`) of all of them. */
  of: "store" | "member" | "store and member" | "cluster";
  /** Whose series it's computed from. */
  from: "stores" | "members" | "both";
  /** Rates and quantiles cost Prometheus most and change slowest. */
  pace: "now" | "lastMinute";
  unit: string;
  promql: (where: Where) => string;
}

/** What clients ask for; a store's own requests and those that wait for a lock aren't its speed. */
const clientTypes =
  'type=~"raw_(get|put|delete|scan|batch_get|batch_put|batch_delete|batch_get_command)|kv_(get|batch_get|batch_get_command|scan|prewrite|commit)|coprocessor"';

/** Members that don't lead PD export zeros of what only the leader knows. */
const byLeader = 'and on (instance) service_member_role{service="PD"} == 1';

const gauge = (name: string, labels?: string) => (where: Where) => `max by (instance) (${name}${where(labels)})`;
/** A gauge that is 0 until its first value. */
const scored = (type: string) => (where: Where) =>
  `max by (instance) (tikv_raftstore_slow_score${where(`type="${type}"`)}) > 0`;
const p99Ms =
  (histogram: string, { by, labels }: { by: string; labels?: string }) =>
  (where: Where) =>
    `histogram_quantile(0.99, sum by (${by}) (rate(${histogram}_bucket${where(labels)}[1m]))) * 1000`;

const grpc = "tikv_grpc_msg_duration_seconds";
const raftLog = (kind: string) => p99Ms(`tikv_raftstore_${kind}_log_duration_seconds`, { by: "instance, le" });
const ofStore = { of: "store", from: "stores", pace: "now" } as const;
const ofStoreLastMinute = { ...ofStore, pace: "lastMinute" } as const;
const ofCluster = { of: "cluster", from: "members", pace: "now" } as const;

/** Every PromQL of the room, by the reading's names (see state.ts). An instance that answers nothing of it is absent. */
export const metrics = {
  isScraped: { of: "store and member", from: "both", pace: "now", unit: "1 or 0", promql: gauge("up") },
  hasEtcdLeader: {
    of: "member",
    from: "members",
    pace: "now",
    unit: "1 or 0",
    promql: gauge("etcd_server_has_leader"),
  },

  leaders: { ...ofStore, unit: "regions", promql: gauge("tikv_raftstore_region_count", 'type="leader"') },
  regions: { ...ofStore, unit: "regions", promql: gauge("tikv_raftstore_region_count", 'type="region"') },
  capacityBytes: { ...ofStore, unit: "bytes", promql: gauge("tikv_store_size_bytes", 'type="capacity"') },
  availableBytes: { ...ofStore, unit: "bytes", promql: gauge("tikv_store_size_bytes", 'type="available"') },
  usedBytes: { ...ofStore, unit: "bytes", promql: gauge("tikv_store_size_bytes", 'type="used"') },
  diskSlowScore: { ...ofStore, unit: "1 to 100", promql: scored("raft") },
  networkSlowScore: { ...ofStore, unit: "1 to 100", promql: scored("network") },
  memoryBytes: { ...ofStore, unit: "bytes", promql: gauge("process_resident_memory_bytes") },

  regionHealth: {
    ...ofCluster,
    unit: "regions",
    promql: (where) => `max by (type) (pd_regions_status${where()} ${byLeader})`,
  },
  // Each region has one isolation level. The leaders that PD knows are no count of regions: a new leader of PD doesn't know
  // all of them, and learns of none of a region that has lost its quorum.
  regionCount: {
    ...ofCluster,
    unit: "regions",
    promql: (where) => `sum(max by (type) (pd_regions_label_level${where()} ${byLeader}))`,
  },

  cpuCores: {
    ...ofStoreLastMinute,
    unit: "cores",
    promql: (where) => `max by (instance) (rate(process_cpu_seconds_total${where()}[1m]))`,
  },
  requestsPerS: {
    ...ofStoreLastMinute,
    unit: "1/s",
    promql: (where) => `sum by (instance) (rate(${grpc}_count${where(clientTypes)}[1m]))`,
  },
  p99Ms: { ...ofStoreLastMinute, unit: "ms", promql: p99Ms(grpc, { by: "instance, le", labels: clientTypes }) },
  appendLogP99Ms: { ...ofStoreLastMinute, unit: "ms", promql: raftLog("append") },
  commitLogP99Ms: { ...ofStoreLastMinute, unit: "ms", promql: raftLog("commit") },
  applyLogP99Ms: { ...ofStoreLastMinute, unit: "ms", promql: raftLog("apply") },
  clusterRequestsPerS: {
    of: "cluster",
    from: "stores",
    pace: "lastMinute",
    unit: "1/s",
    promql: (where) => `sum(rate(${grpc}_count${where(clientTypes)}[1m]))`,
  },
  clusterP99Ms: {
    of: "cluster",
    from: "stores",
    pace: "lastMinute",
    unit: "ms",
    promql: p99Ms(grpc, { by: "le", labels: clientTypes }),
  },
} as const satisfies Record<string, Metric>;
export type MetricName = keyof typeof metrics;

/** Addresses, as Prometheus has them in the label `instance`. */
export interface Instances {
  stores: readonly string[];
  members: readonly string[];
}

/** A longer list makes the condition dearer than what it saves: then the Prometheus is taken for this cluster's own. */
const instancesMax = 200;

/** The PromQL of one metric for these instances alone, so that a Prometheus may scrape several clusters. */
export function promqlOf(name: MetricName, { stores, members }: Instances): string {
  const { from, promql }: Metric = metrics[name];
  const instances = { stores, members, both: [...stores, ...members] }[from];
  return promql((labels) => {
    const conditions = [
      ...(labels === undefined ? [] : [labels]),
      ...(instances.length > instancesMax ? [] : [`instance=~${JSON.stringify(instances.map(literal).join("|"))}`]),
    ];
    return conditions.length === 0 ? "" : `{${conditions.join(",")}}`;
  });
}

/** One query for all metrics of a pace, or the cluster's or the others of them; each sample names its metric in the label `reading`. */
export function promqlOfAll(
  pace: Metric["pace"],
  instances: Instances,
  part: "all" | "cluster" | "others" = "all",
): string {
  return names
    .filter((name) => metrics[name].pace === pace)
    .filter((name) => part === "all" || (metrics[name].of === "cluster") === (part === "cluster"))
    .map((name) => `label_replace(${promqlOf(name, instances)}, "reading", "${name}", "", "")`)
    .join(" or ");
}

// Object.keys says only that they're strings.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const names = Object.keys(metrics) as MetricName[];

/** What a person or a model may ask the course of, by name. */
export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

function literal(address: string): string {
  return address.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

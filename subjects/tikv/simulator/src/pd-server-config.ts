import type { Cluster } from "./pd-cluster.ts";
import type { PdMember } from "./pd-member.ts";

/** Scheduler → its type in the config. */
const schedulerTypes: Record<string, string> = {
  "balance-region-scheduler": "balance-region",
  "balance-leader-scheduler": "balance-leader",
  "balance-hot-region-scheduler": "hot-region",
  "evict-slow-store-scheduler": "evict-slow-store",
  "evict-stopping-store-scheduler": "evict-stopping-store",
  "evict-leader-scheduler": "evict-leader",
};

/** The schedule config as PD shows it: with each store's limits and the schedulers. */
export function schedulersConfig(cluster: Cluster) {
  const removed = cluster.removedSchedulers;
  const limits = [...cluster.stores.values()].map(({ meta }) => [
    meta.id,
    { "add-peer": meta.addPeerPerMinute, "remove-peer": meta.removePeerPerMinute },
  ]);
  return {
    ...cluster.schedule,
    "store-limit": Object.fromEntries(limits),
    "schedulers-v2": Object.entries(schedulerTypes)
      .filter(([name]) => (name === "evict-leader-scheduler" ? cluster.evicting.length > 0 : !removed.includes(name)))
      .map(([, type]) => ({
        type,
        args: type === "evict-leader" ? cluster.evicting.map(String) : null,
        disable: false,
        "args-payload": "",
      })),
  };
}

/** `GET /config`: answered by each member with its own name, URLs and folder. */
export function serverConfig(member: PdMember, peers: ReadonlyMap<string, string>, folder: string, cluster: Cluster) {
  return {
    "client-urls": member.clientUrl,
    "peer-urls": member.peerUrl,
    "advertise-client-urls": member.clientUrl,
    "advertise-peer-urls": member.peerUrl,
    name: member.name,
    "data-dir": folder,
    "force-new-cluster": false,
    "enable-grpc-gateway": true,
    "initial-cluster": [...peers].map(([name, url]) => `${name}=${url}`).join(","),
    "initial-cluster-state": "new",
    "initial-cluster-token": "pd-cluster",
    join: "",
    lease: 5,
    log: {
      level: "info",
      format: "text",
      "disable-timestamp": false,
      file: { filename: "", "max-size": 0, "max-days": 0, "max-backups": 0 },
      development: false,
      "disable-caller": false,
      "disable-stacktrace": false,
      "disable-error-verbose": true,
      sampling: null,
      "error-output-path": "",
    },
    "max-concurrent-tso-proxy-streamings": 5_000,
    "tso-proxy-recv-from-client-timeout": "1h0m0s",
    "tso-save-interval": "5s",
    "tso-update-physical-interval": "50ms",
    "enable-local-tso": false,
    metric: { job: member.name, address: "", interval: "15s" },
    schedule: schedulersConfig(cluster),
    replication: cluster.replication,
    "pd-server": {
      "use-region-storage": "true",
      "max-gap-reset-ts": "24h0m0s",
      "key-type": "table",
      "runtime-services": "",
      "metric-storage": "",
      "dashboard-address": "auto",
      "flow-round-by-digit": 3,
      "min-resolved-ts-persistence-interval": "1s",
      "server-memory-limit": 0,
      "server-memory-limit-gc-trigger": 0.7,
      "enable-gogc-tuner": "false",
      "gc-tuner-threshold": 0.6,
      "block-safe-point-v1": "false",
    },
    "cluster-version": "8.5.5-simulator",
    labels: {},
    "quota-backend-bytes": "8GiB",
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention-v2": "1h",
    "tick-interval": "500ms",
    "election-interval": "3s",
    "enable-prevote": true,
    "max-request-bytes": 157_286_400,
    security: {
      "cacert-path": "",
      "cert-path": "",
      "key-path": "",
      "cert-allowed-cn": null,
      SSLCABytes: null,
      SSLCertBytes: null,
      SSLKEYBytes: null,
      "redact-info-log": false,
      encryption: {
        "data-encryption-method": "plaintext",
        "data-key-rotation-period": "168h0m0s",
        "master-key": { type: "plaintext", "key-id": "", region: "", endpoint: "", path: "" },
      },
    },
    "label-property": {},
    dashboard: {
      "tidb-cacert-path": "",
      "tidb-cert-path": "",
      "tidb-key-path": "",
      "public-path-prefix": "",
      "internal-proxy": false,
      "enable-telemetry": false,
      "enable-experimental": false,
      "disable-custom-prom-addr": false,
    },
    "replication-mode": {
      "replication-mode": "majority",
      "dr-auto-sync": {
        "label-key": "",
        primary: "",
        dr: "",
        "primary-replicas": 0,
        "dr-replicas": 0,
        "wait-store-timeout": "1m0s",
        "wait-recover-timeout": "0s",
        "pause-region-split": "false",
      },
    },
    keyspace: {
      "pre-alloc": null,
      "wait-region-split": true,
      "wait-region-split-timeout": "30s",
      "check-region-split-interval": "50ms",
    },
    "micro-service": { "enable-scheduling-fallback": "true" },
  };
}

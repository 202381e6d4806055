import { join } from "node:path";
import type { ProcessPlan, ProcessSpec } from "@operator/subject/processes";

const pds = ["pd-1", "pd-2", "pd-3"] as const;
const tikvs = ["tikv-1", "tikv-2", "tikv-3"] as const;
const simulator = join(import.meta.dirname, "simulator", "src");
const host = "127.0.0.1";
/** A stack that ends doesn't wait 20 s for the last store, whose leaders nobody can take. */
const drainMs = 1_500;

/** A simulated cluster of three PD members and three stores, a real Prometheus that scrapes them, and a load. */
export const processes: ProcessPlan = {
  ports: [
    ...pds.flatMap((pd) => [pd, peerPort(pd)]),
    ...tikvs.flatMap((tikv) => [tikv, statusPort(tikv)]),
    "prometheus",
    "load",
  ],
  secrets: [],
  timeScaleVariable: "TIKV_SIMULATOR_TIME_SCALE",
  specs: ({ ports, folder }) => [
    ...pds.map((name): ProcessSpec => ({
      name,
      target: name,
      kind: "pd",
      command: "node",
      arguments: [...nodeOptions, join(simulator, "pd.ts")],
      environment: {
        TIKV_SIMULATOR_NAME: name,
        TIKV_SIMULATOR_CLIENT_URL: urlOf(ports, name),
        TIKV_SIMULATOR_INITIAL_CLUSTER: pds.map((pd) => `${pd}=${urlOf(ports, peerPort(pd))}`).join(","),
        TIKV_SIMULATOR_DATA: join(folder, name),
      },
      ready: { url: `${urlOf(ports, name)}/pd/api/v1/ping` },
      labels: { "operator.target": name },
    })),
    ...tikvs.map((name): ProcessSpec => ({
      name,
      target: name,
      kind: "store",
      command: "node",
      arguments: [...nodeOptions, join(simulator, "tikv.ts")],
      environment: {
        TIKV_SIMULATOR_STORES: `${addressOf(ports, name)}=${addressOf(ports, statusPort(name))}`,
        TIKV_SIMULATOR_PD: pds.map((pd) => urlOf(ports, pd)).join(","),
        TIKV_SIMULATOR_DATA: join(folder, name),
        TIKV_SIMULATOR_DRAIN_MS: String(drainMs),
      },
      ready: { url: `${urlOf(ports, statusPort(name))}/status` },
      labels: { "operator.target": name },
    })),
    {
      name: "prometheus",
      target: "prometheus",
      kind: "prometheus",
      command: "prometheus",
      arguments: [
        `--config.file=${join(folder, "prometheus.yaml")}`,
        `--web.listen-address=${addressOf(ports, "prometheus")}`,
        `--storage.tsdb.path=${join(folder, "prometheus")}`,
        "--storage.tsdb.retention.time=6h",
        "--log.level=warn",
      ],
      environment: {},
      files: { "prometheus.yaml": scrapes(ports) },
      ready: { url: `${urlOf(ports, "prometheus")}/-/ready` },
      labels: { "operator.target": "prometheus" },
    },
    {
      name: "load",
      command: "node",
      arguments: [...nodeOptions, join(simulator, "workload.ts")],
      environment: {
        TIKV_SIMULATOR_PD: pds.map((pd) => urlOf(ports, pd)).join(","),
        TIKV_SIMULATOR_PORT: String(portOf(ports, "load")),
      },
      ready: { url: `${urlOf(ports, "load")}/workload` },
      labels: {},
    },
  ],
  environment: ({ ports, logFile }) => ({
    TIKV_PD_ENDPOINTS: pds.map((pd) => `${pd}=${urlOf(ports, pd)}`).join(","),
    TIKV_PROMETHEUS_URL: urlOf(ports, "prometheus"),
    TIKV_LOGS: [
      ...pds.map((pd) => `${pd}=${logFile(pd)}`),
      ...tikvs.map((tikv) => `${addressOf(ports, tikv)}=${logFile(tikv)}`),
    ].join(","),
    TIKV_MEMBERS: tikvs.map((tikv) => `${tikv}=${addressOf(ports, tikv)}`).join(","),
    // Only chaos asks for it.
    TIKV_WORKLOAD_URL: urlOf(ports, "load"),
  }),
};

/** Nine processes beside everything else: each keeps its young generation small. */
const nodeOptions = ["--max-semi-space-size=4"];

/** JSON is YAML. A scrape a second: what is in a snapshot is to be as fresh as the rest of it. */
function scrapes(ports: Record<string, number>): string {
  const job = (name: string, targets: string[]) => ({ job_name: name, static_configs: [{ targets }] });
  return JSON.stringify({
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [
      job(
        "pd",
        pds.map((pd) => addressOf(ports, pd)),
      ),
      job(
        "tikv",
        tikvs.map((tikv) => addressOf(ports, statusPort(tikv))),
      ),
    ],
  });
}

function peerPort(pd: string): string {
  return `${pd}-peer`;
}

function statusPort(tikv: string): string {
  return `${tikv}-status`;
}

function portOf(ports: Record<string, number>, name: string): number {
  const port = ports[name];
  if (port === undefined)
    throw new Error(`no port for "${name}": there are ports for ${Object.keys(ports).join(", ")}`);
  return port;
}

function addressOf(ports: Record<string, number>, name: string): string {
  return `${host}:${portOf(ports, name)}`;
}

function urlOf(ports: Record<string, number>, name: string): string {
  return `http://${addressOf(ports, name)}`;
}

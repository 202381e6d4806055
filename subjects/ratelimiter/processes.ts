import { join } from "node:path";
import { exampleKeys, exampleLimit } from "./example-keys.ts";
import type { ProcessPlan, ProcessSpec } from "@operator/subject/processes";

const nodes = ["node-a", "node-b", "node-c"] as const;
const service = join(import.meta.dirname, "service", "src");
const { limit, windowMs } = exampleLimit;
const host = "127.0.0.1";

/** One Redis, three nodes, and a load that checks exactness from outside, as local processes. */
export const processes: ProcessPlan = {
  ports: ["redis", ...nodes],
  secrets: ["managementToken"],
  specs: ({ ports, folder, secrets }) => [
    {
      name: "redis",
      target: "redis",
      kind: "redis",
      command: "redis-server",
      arguments: `--port ${portOf(ports, "redis")} --bind ${host} --appendonly no`
        .split(" ")
        .concat("--save", "", "--dir", folder),
      environment: {},
      ready: { port: portOf(ports, "redis") },
      labels: { "operator.target": "redis" },
    },
    ...nodes.map((node): ProcessSpec => ({
      name: node,
      target: node,
      kind: "node",
      command: "node",
      arguments: [join(service, "main.ts")],
      environment: {
        RATELIMITER_NODE_ID: node,
        RATELIMITER_HOST: host,
        RATELIMITER_PORT: String(portOf(ports, node)),
        RATELIMITER_REDIS_URL: redisUrl(ports),
        RATELIMITER_MANAGEMENT_TOKEN: secrets["managementToken"] ?? "",
        RATELIMITER_DEFAULT_LIMIT: String(limit),
        RATELIMITER_DEFAULT_WINDOW_MS: String(windowMs),
      },
      ready: { url: `${nodeUrl(ports, node)}/livez` },
      labels: { "operator.target": node },
    })),
    {
      name: "load",
      command: "node",
      arguments: [
        join(service, "load.ts"),
        `--targets=${nodes.map((node) => nodeUrl(ports, node)).join(",")}`,
        `--limit=${limit}`,
        `--window-ms=${windowMs}`,
      ],
      environment: {},
      ready: { line: '"type":"load"' },
      labels: {},
    },
  ],
  environment: ({ ports, logFile }) => ({
    RATELIMITER_REDIS_URL: redisUrl(ports),
    RATELIMITER_NODES: nodes.map((node) => `${node}=${nodeUrl(ports, node)}`).join(","),
    RATELIMITER_LIMITS: exampleKeys.map((key) => `${key}=${limit}/${windowMs}`).join(","),
    RATELIMITER_LOGS: ["redis", ...nodes].map((name) => `${name}=${logFile(name)}`).join(","),
  }),
  writeEnvironment: ({ secrets }) => ({ RATELIMITER_MANAGEMENT_TOKEN: secrets["managementToken"] ?? "" }),
};

function portOf(ports: Record<string, number>, name: string): number {
  const port = ports[name];
  if (port === undefined)
    throw new Error(`no port for "${name}": there are ports for ${Object.keys(ports).join(", ")}`);
  return port;
}

function redisUrl(ports: Record<string, number>): string {
  return `redis://${host}:${portOf(ports, "redis")}`;
}

function nodeUrl(ports: Record<string, number>, node: string): string {
  return `http://${host}:${portOf(ports, node)}`;
}

import { join } from "node:path";
import { readPdConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { Cluster } from "./pd-cluster.ts";
import { Coordinator } from "./pd-coordinator.ts";
import { dispatch } from "./pd-dispatch.ts";
import { PdHealth } from "./pd-health.ts";
import { Leadership } from "./pd-leadership.ts";
import { memberIdOf, type PdMember, pdVersion } from "./pd-member.ts";
import { PdMetrics } from "./pd-metrics.ts";
import { localRoutes, memberRoutes, unknownPath } from "./pd-routes-members.ts";
import { regionRoutes } from "./pd-routes-regions.ts";
import { schedulingRoutes } from "./pd-routes-scheduling.ts";
import { storeRoutes } from "./pd-routes-stores.ts";
import { tikvRoutes } from "./pd-routes-tikv.ts";
import { serverConfig } from "./pd-server-config.ts";
import { QuorumLog } from "./quorum-log.ts";
import { type Handler, router, serve } from "./server.ts";
import { timeScale } from "./time-scale.ts";

// One member of a simulated PD.

const config = readPdConfig();
const startedAtMs = Date.now();
const log = createLog((line) => process.stdout.write(line));
log("WARN", "simulator", "this is a simulator of PD: it schedules nothing that exists", { version: pdVersion });

const { TIKV_SIMULATOR_NAME: name, TIKV_SIMULATOR_INITIAL_CLUSTER: peers, TIKV_SIMULATOR_HOST: host } = config;
const peerUrl = peers.get(name);
if (peerUrl === undefined)
  throw new Error(`TIKV_SIMULATOR_INITIAL_CLUSTER names ${[...peers.keys()].join(", ")}, but not "${name}" itself`);
const own: PdMember = {
  name,
  memberId: memberIdOf(name, peerUrl),
  peerUrl,
  clientUrl: config.TIKV_SIMULATOR_CLIENT_URL,
};
const scale = timeScale(config.TIKV_SIMULATOR_TIME_SCALE);
const quorumLog = new QuorumLog(join(config.TIKV_SIMULATOR_DATA, "pd"));

let leading: { coordinator: Coordinator; handler: Handler } | undefined;
const leadership = new Leadership({
  member: own,
  scale,
  log,
  quorum: {
    name,
    peers,
    log: quorumLog,
    scale,
  },
  serves: () => {
    const size = {
      stores: config.TIKV_SIMULATOR_STORE_COUNT,
      regions: config.TIKV_SIMULATOR_REGIONS,
    };
    const coordinator = new Coordinator(new Cluster(leadership, quorumLog.keys, scale), log, startedAtMs, size);
    const handler = router(
      {
        ...tikvRoutes(coordinator, log),
        ...storeRoutes(coordinator, log),
        ...regionRoutes(coordinator),
        ...schedulingRoutes(coordinator, startedAtMs),
        ...memberRoutes(leadership, own, coordinator),
      },
      unknownPath,
    );
    leading = {
      coordinator,
      handler,
    };
  },
  rests: () => {
    leading?.coordinator.stop();
    leading = undefined;
  },
});

const health = new PdHealth(leadership, name);
const metrics = new PdMetrics(leadership, startedAtMs, () => health.states);
const local = localRoutes({
  leadership,
  own,
  startedAtMs,
  pingWithinMs: 5e3,
  coordinator: () => leading?.coordinator,
  config: () => serverConfig(own, peers, config.TIKV_SIMULATOR_DATA, new Cluster(leadership, quorumLog.keys, scale)),
  metrics: () => metrics.text(leading?.coordinator),
});

const api = dispatch({
  leadership,
  name,
  scale,
  log,
  own: router(local, unknownPath),
  leading: () =>
    leading === undefined
      ? undefined
      : {
          handler: leading.handler,
          isBootstrapped: leading.coordinator.cluster.bootstrappedAtMs !== undefined,
        },
});
await serve(router(leadership.routes, unknownPath), { host, port: Number(new URL(peerUrl).port) });
await serve(api, { host, port: Number(new URL(own.clientUrl).port) });
log("INFO", "simulator", "PD is listening", {
  "client-url": own.clientUrl,
  "peer-url": peerUrl,
  "time-scale": scale.factor,
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.once(signal, () => {
    log("INFO", "main.go:278", "got signal to exit", { signal });
    process.exit(0);
  });

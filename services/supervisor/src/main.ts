import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createLogger } from "@operator/service/log";
import { stopOnSignals } from "@operator/service/stop-on-signals";
import { Supervisor } from "@operator/supervisor/server";
import { readSupervisorConfig } from "./config.ts";
import { dockerDriver } from "./docker-driver.ts";
import { Engine } from "./engine.ts";
import { logVerbs } from "./log-verbs.ts";

/** From the signal to the end of the process, which compose grants 10 s: faults are reverted meanwhile. */
const stopMsMax = 9_500;
const closeWithinMs = 8_500;

const config = readSupervisorConfig(process.env);
const name = "supervisor";
const log = createLogger({ service: name, instance: name, level: config.OPERATOR_LOG_LEVEL, secrets: [] });
const end = (error: unknown, msg: string): never => {
  log.fatal({ err: error }, msg);
  process.exit(1);
};
process.on("uncaughtException", (error) => end(error, "uncaught error"));
process.on("unhandledRejection", (error) => end(error, "unhandled rejection"));

const { signal } = stopOnSignals(stopMsMax, (msg) => log.info(msg));
const project = config.OPERATOR_COMPOSE_PROJECT;
const state = config.OPERATOR_SUPERVISOR_STATE;
mkdirSync(state, { recursive: true });
const engine = new Engine(config.OPERATOR_DOCKER_SOCKET);
const supervisor = await Supervisor.start({
  driver: logVerbs(dockerDriver({ engine, project, cutsFile: join(state, "cuts.json") }), log),
  faultsFile: join(state, "faults.json"),
  sockets: {
    chaos: config.OPERATOR_SUPERVISOR_CHAOS_SOCKET,
    actuator: config.OPERATOR_SUPERVISOR_ACTUATOR_SOCKET,
  },
  closeWithinMs,
});
log.info({ project, docker: config.OPERATOR_DOCKER_SOCKET, ...supervisor.sockets }, "ready");
if (!signal.aborted) await new Promise((stopped) => signal.addEventListener("abort", stopped, { once: true }));
await supervisor.close().catch((error: unknown) => log.error({ err: error }, "faults weren't reverted"));
log.info("stopped");
process.exit(0);

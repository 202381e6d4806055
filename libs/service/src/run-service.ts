import { randomBytes } from "node:crypto";
import { enableCompileCache, flushCompileCache } from "node:module";
import { Bus } from "@operator/bus/bus";
import { InstanceName } from "@operator/contracts/names";
import type { CommonConfig } from "./config.ts";
import { isSecret } from "./environment.ts";
import { HealthServer } from "./health-server.ts";
import { createLogger } from "./log.ts";
import { ServiceMetrics } from "./metrics.ts";
import type { ServiceContext } from "./service-context.ts";
import { stopOnSignals } from "./stop-on-signals.ts";

/** By then what a start loads is loaded. */
const settledAfterMs = 3_000;

/** From the signal to the end of the process. */
const stopMsMax = 4_500;

/**
 * The one way to run a service: connects, waits for a bus that is away, serves health and metrics, and stops in reverse
 * order within 5 s of SIGTERM or SIGINT (a second one ends at once). `run` works until its signal fires; when it throws,
 * or ends by itself, an assumption is broken: that is logged, and the process ends with 1.
 */
export async function runService(options: {
  /** Also its user on the bus. */
  name: "observer" | "checker" | "ticketer" | "diagnoser" | "actuator" | "chaos" | "notifier";
  config: CommonConfig;
  run: (context: ServiceContext) => Promise<void>;
}): Promise<void> {
  const { name, config, run } = options;
  enableCompileCache();
  const instance = config.OPERATOR_INSTANCE ?? InstanceName.parse(`${name}-${randomBytes(2).toString("hex")}`);
  const secrets = Object.entries(config).flatMap(([key, value]) =>
    isSecret(key) && typeof value === "string" ? [value] : [],
  );
  const log = createLogger({ service: name, instance, level: config.OPERATOR_LOG_LEVEL, secrets });
  const end = (error: unknown, msg: string): never => {
    log.fatal({ err: error }, msg);
    process.exit(1);
  };
  process.on("uncaughtException", (error) => end(error, "uncaught error"));
  process.on("unhandledRejection", (error) => end(error, "unhandled rejection"));

  const stop = stopOnSignals(stopMsMax, (msg) => log.info(msg));
  const metrics = new ServiceMetrics(name);
  let bus: Bus | undefined;
  let notReady: string | undefined = "starting";
  const health = await HealthServer.start({
    host: config.OPERATOR_HTTP_HOST,
    port: config.OPERATOR_HTTP_PORT,
    registry: metrics.registry,
    whyNotReady: () => (stop.signal.aborted ? "stopping" : bus?.connected() ? notReady : "the bus is away"),
  });
  try {
    bus = await Bus.connect(
      {
        servers: config.OPERATOR_NATS_URL,
        user: name,
        password: config.OPERATOR_NATS_PASSWORD,
        instance,
        log: ({ level, msg, ...fields }) => log[level](fields, msg),
        counters: metrics.busCounters(),
      },
      stop.signal,
    );
    metrics.connected();
    let saidReady = false;
    const ready = (isReady: boolean, why = "not ready") => {
      notReady = isReady ? undefined : why;
      if (!isReady || saidReady) return;
      saidReady = true;
      log.info({ http: health.url, nats: config.OPERATOR_NATS_URL }, "ready");
      // A process that is killed later never writes its cache, and then the next start is slow again.
      setImmediate(flushCompileCache);
      // Loading leaves some 8 MB of a grown heap behind; where `--expose-gc` allows it, they are given back once.
      setTimeout(
        () => void globalThis.gc?.({ type: "major", execution: "async", flavor: "last-resort" }),
        settledAfterMs,
      ).unref();
    };
    const closed = bus.closed().then((error) => {
      throw error ?? new Error("the connection to the bus was closed");
    });
    await Promise.race([run({ bus, log, signal: stop.signal, instance, metrics, ready }), closed]);
    if (!stop.signal.aborted) throw new Error("run ended though nobody asked it to stop");
  } catch (error) {
    if (!stop.signal.aborted) end(error, "stopped by an error");
  }
  await bus?.close();
  await health.close();
  log.info("stopped");
  process.exit(0);
}

import { readWorkloadConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { router, serve } from "./server.ts";
import { Demand } from "./workload-demand.ts";
import { workloadRoutes } from "./workload-routes.ts";

// A simulated client: tells the stores what arrives, and counts what they couldn't serve.

const config = readWorkloadConfig();
const log = createLog((line) => process.stdout.write(line));
log("WARN", "simulator", "this is a simulated workload: it sends rates, not requests");
const demand = new Demand({
  pd: config.TIKV_SIMULATOR_PD,
  putsPerS: config.TIKV_SIMULATOR_PUTS_PER_S,
  getsPerS: config.TIKV_SIMULATOR_GETS_PER_S,
  valueBytes: config.TIKV_SIMULATOR_VALUE_BYTES,
  log,
});
const port = config.TIKV_SIMULATOR_PORT;
await serve(
  router(workloadRoutes(demand), () => ({ status: 404, body: "not found" })),
  {
    host: config.TIKV_SIMULATOR_HOST,
    port,
  },
);
log("INFO", "workload", "the workload listens", { port });
setInterval(() => void demand.tick(), 1_000);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));

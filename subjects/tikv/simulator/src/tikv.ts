import { readTikvConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { router, serve } from "./server.ts";
import { Links } from "./tikv-links.ts";
import { PdClient } from "./tikv-pd-client.ts";
import { Reports } from "./tikv-reports.ts";
import { peerRoutes, statusRoutes } from "./tikv-routes.ts";
import { Store } from "./tikv-store.ts";
import { timeScale } from "./time-scale.ts";

// A process of simulated TiKV: one store, or many.

/** From the last leader's departure to the process's end: 400 ms to 900 ms were measured. */
const endingMs = 400;

const config = readTikvConfig();
const log = createLog((line) => process.stdout.write(line), { thread_id: 1 });
log("WARN", "simulator", "this is a simulator of TiKV: it stores nothing", { version: "8.5.5-simulator" });

const scale = timeScale(config.TIKV_SIMULATOR_TIME_SCALE);
const own = [...config.TIKV_SIMULATOR_STORES.keys()][0] ?? "";
const links = new Links(own, scale, log);
const stores: Store[] = [...config.TIKV_SIMULATOR_STORES].map(
  ([address, statusAddress]) =>
    new Store({
      address,
      statusAddress,
      folder: config.TIKV_SIMULATOR_DATA,
      scale,
      links,
      log,
      capacityBytes: config.TIKV_SIMULATOR_CAPACITY_GIB * 1024 ** 3,
      neighbour: (id) => stores.find((store) => store.id === id)?.raft,
    }),
);
const reports = new Reports(new PdClient(config.TIKV_SIMULATOR_PD), stores, links, own);
const restarted = (process: string) => {
  for (const { raft } of stores) raft?.restarted((store) => links.processOf(store) === process);
};

const { TIKV_SIMULATOR_HOST: host } = config;
const unknown = () => ({ status: 404, body: "path not found" });
for (const { options } of stores) {
  const port = Number(options.address.split(":").at(-1));
  await serve(router(peerRoutes(stores, links, restarted), unknown), { host, port });
}
await reports.register();
for (const store of stores) {
  const port = Number(store.options.statusAddress.split(":").at(-1));
  await serve(router(statusRoutes(store), unknown), { host, port });
}
log("INFO", "server.rs:422", "TiKV is ready to serve");

setInterval(() => {
  const now = Date.now();
  links.tick((claims) => stores.forEach(({ raft }) => claims.forEach((claim) => raft?.take(claim))), restarted);
  for (const store of stores) store.tick(now);
}, links.rhythmMs);
setInterval(() => void reports.send(), 50);

process.once("SIGINT", () => process.exit(0));
process.once("SIGTERM", () => void stop());

/** PD moves the leaders away first, unless it can't: then it's waited for in vain. */
async function stop(): Promise<void> {
  log("INFO", "signal_handler.rs:44", "receive signal 15, starting graceful shutdown...");
  const deadlineMs = Date.now() + scale.wait(config.TIKV_SIMULATOR_DRAIN_MS);
  for (const store of stores) store.isStopping = true;
  await reports.sendStores();
  const leads = () => stores.some(({ raft }) => (raft?.led.length ?? 0) > 0);
  while (leads() && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, scale.wait(250, 50)));
  if (!leads()) log("INFO", "server.rs:1743", "All leaders evicted, completing graceful shutdown");
  // Whoever leads now tells PD of it before this process has ended.
  await new Promise((resolve) => setTimeout(resolve, scale.wait(endingMs, 100)));
  for (const store of stores) store.isStopping = false;
  await reports.sendStores();
  log("INFO", "server.rs:1724", "Graceful shutdown completed");
  process.exit(0);
}

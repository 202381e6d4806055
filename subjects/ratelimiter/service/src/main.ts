import { readConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { startNode } from "./node.ts";

/** Longer than any node takes to stop; whoever asked it to wants it gone by then. */
const stopWithinMs = 4_500;

const read = readConfig(process.env);
if (!read.ok) {
  console.error(JSON.stringify({ level: "fatal", msg: "the configuration can't be used", problems: read.problems }));
  process.exit(78);
}

const { config } = read;
const log = createLog(config);
let stopping = false;
const node = await startNode(config, log, () => stop("drain"));
log.info({ url: node.url, pid: process.pid }, "listening");

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));

/** Once, whoever asks for it: a signal, or the management API. */
function stop(why: string): void {
  if (stopping) return;
  stopping = true;
  log.info({ why }, "stopping");
  setTimeout(() => process.exit(1), stopWithinMs).unref();
  void node.stop().then(() => {
    log.info("stopped");
    process.exit(0);
  });
}

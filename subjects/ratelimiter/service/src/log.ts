import { existsSync, renameSync, statSync } from "node:fs";
import { type Logger, pino } from "pino";
import type { Config } from "./config.ts";

/** A node says little: that is years of it. */
const fileBytesMax = 1024 * 1024;

/** Lines of JSON on stdout, and in a file where one is named, written at once, so that a killed node has said all. */
export function createLog(config: Config): Logger {
  const { RATELIMITER_LOG_LEVEL: level, RATELIMITER_LOG_FILE: file, RATELIMITER_NODE_ID: nodeId } = config;
  const options = { level, base: { nodeId }, formatters: { level: (name: string) => ({ level: name }) } };
  if (file === undefined) return pino(options);
  // Between two lives, so that nobody writes to it meanwhile; the end of the one before stays beside it.
  if (existsSync(file) && statSync(file).size > fileBytesMax) renameSync(file, `${file}.1`);
  const to = pino.destination({ dest: file, sync: true, mkdir: true });
  // The logger has decided by its level what is written at all.
  return pino(
    options,
    pino.multistream([
      { level: "trace", stream: process.stdout },
      { level: "trace", stream: to },
    ]),
  );
}

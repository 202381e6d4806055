import { join } from "node:path";
import { withSecretFiles } from "@operator/service/environment";
import { askOnTerminal } from "./terminal/ask.ts";
import { runCli } from "./run-cli.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => stop.abort());
}
// `… | head` closes the pipe: what was wanted has been read.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 74));

const { stdout, stderr } = process;
const env = withSecretFiles(process.env);
const code = await runCli(process.argv.slice(2), {
  env,
  root: join(import.meta.dirname, "..", ".."),
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  ask: (question) => askOnTerminal(question, stop.signal),
  isTerminal: stdout.isTTY,
  hasColour: stdout.isTTY && stdout.hasColors() && !env["NO_COLOR"],
  // Pages are made for 80 columns and more; a narrower terminal breaks the lines itself.
  columns: Math.max(80, stdout.columns ?? 100),
  rows: stdout.rows ?? 24,
  nowMs: () => Date.now(),
  signal: stop.signal,
});
if (code !== 0) process.exitCode = code;

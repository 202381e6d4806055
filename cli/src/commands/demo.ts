import { join } from "node:path";
import type { Command } from "commander";
import { jsonPage, plainPage } from "../demo/page.ts";
import { runDemo } from "../demo/run-demo.ts";

/** `operator demo`: everything as local processes, a few real faults, and what the loop makes of them. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("start everything as local processes, break members for real, and tell what the loop makes of it")
    .option("--subject <name>", "the subject to run", "ratelimiter") // the demo's default
    .option("--faults <names>", "comma-separated faults, e.g. kill_node,pause_redis", "kill_node,kill_redis")
    .option("--keep", "stay up after the story, until Ctrl-C", false)
    .option("--json", "one JSON event a line, the summary last", false)
    .action(async (options: { subject: string; faults: string; keep: boolean; json: boolean }) => {
      const write = (line: string) => process.stdout.write(`${line}\n`);
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
      const ok = await runDemo({
        subject: options.subject,
        faults: options.faults.split(",").map((name) => name.trim()),
        keep: options.keep,
        contextFile: join(import.meta.dirname, "..", "..", "..", ".operator", "context.json"),
        page: options.json ? jsonPage(write) : plainPage(write, process.stdout.isTTY && process.env["NO_COLOR"] === undefined),
        signal: stop.signal,
      });
      process.exitCode = stop.signal.aborted ? 130 : ok ? 0 : 1;
    });
}

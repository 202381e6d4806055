import { join } from "node:path";
import type { Command } from "commander";
import { jsonPage, plainPage } from "../demo/page.ts";
import { runDemo } from "../demo/run-demo.ts";
import type { Shell } from "../shell.ts";

/** `operator demo`: everything as local processes, a few real faults, and what the loop makes of them. */
export function registerDemo(program: Command, shell: Shell): void {
  program
    .command("demo")
    .description("start everything as local processes, break members for real, and tell what the loop makes of it")
    .option("--subject <name>", "the subject to run", "ratelimiter") // the demo's default
    .option("--faults <names>", "comma-separated faults, e.g. kill_node,pause_redis", "kill_node,kill_redis")
    .option("--keep", "stay up after the story, until Ctrl-C", false)
    .option("--json", "one JSON event a line, the summary last", false)
    .action(async (options: { subject: string; faults: string; keep: boolean; json: boolean }) => {
      const write = (line: string) => shell.out(`${line}\n`);
      const ok = await runDemo({
        subject: options.subject,
        faults: options.faults.split(",").map((name) => name.trim()),
        keep: options.keep,
        contextFile: join(shell.root, ".operator", "context.json"),
        page: options.json ? jsonPage(write) : plainPage(write, shell),
        signal: shell.signal,
      });
      process.exitCode = shell.signal.aborted ? 130 : ok ? 0 : 1;
    });
}

import { join } from "node:path";
import type { Command } from "commander";
import { jsonPage, plainPage } from "../demo/page.ts";
import { runDemo } from "../demo/run-demo.ts";
import { askOnTerminal } from "../terminal/ask.ts";
import type { Shell } from "../shell.ts";

/** `operator demo`: everything as local processes, a few real faults, and what the loop makes of them. */
export function registerDemo(program: Command, shell: Shell): void {
  program
    .command("demo")
    .description("start everything as local processes, break it for real, and tell how the operator puts it right")
    .option("--subject <name>", "the subject to run", "tikv") // the demo's default
    .option("--scenario <names>", "comma-separated faults or scenarios of the subject; its own story unless told")
    .option("--yes", "approve what is proposed, with a key that is gone afterwards, instead of asking", false)
    .option("--keep", "stay up after the story, until Ctrl-C", false)
    .option("--json", "one JSON event a line, the summary last", false)
    .action(async (options: { subject: string; scenario?: string; yes: boolean; keep: boolean; json: boolean }) => {
      const write = (line: string) => shell.out(`${line}\n`);
      const ok = await runDemo({
        subject: options.subject,
        ...(options.scenario !== undefined && { scenarios: options.scenario.split(",").map((name) => name.trim()) }),
        // Where nobody can be asked, the demo approves by itself, and says so in the story.
        ...(options.yes || options.json || !process.stdin.isTTY
          ? {}
          : {
              ask: async (question: string) => /^y(es)?$/i.test((await askOnTerminal(question, shell.signal)).trim()),
            }),
        diagnoser: claudeSettings(shell.env),
        keep: options.keep,
        contextFile: join(shell.root, ".operator", "context.json"),
        page: options.json ? jsonPage(write) : plainPage(write, shell),
        signal: shell.signal,
      });
      process.exitCode = shell.signal.aborted ? 130 : ok ? 0 : 1;
    });
}

/** With a key Claude diagnoses, and costs money; without, the playbook does. */
function claudeSettings(env: Shell["env"]): Record<string, string> {
  const settings = Object.entries(env).filter(
    ([name]) => name === "ANTHROPIC_API_KEY" || name.startsWith("OPERATOR_CLAUDE_"),
  );
  return Object.fromEntries(settings.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

import type { Command } from "commander";
import { composeFailed, Project, withoutErasing } from "../deploy/project.ts";
import type { Shell } from "../shell.ts";
import { safeText } from "../terminal/safe-text.ts";
import { atLeastOne } from "./numbers.ts";

interface LogsOptions {
  follow?: boolean;
  tail: number;
}

/** `operator deploy local logs`: what the services logged. */
export function registerDeployLogs(local: Command, shell: Shell): void {
  local
    .command("logs")
    .summary("what the services logged")
    .description("The newest lines that a service logged, or all of them did, each with its container's name.")
    .argument("[service]", "only this service")
    .option("--follow", "and what comes, until Ctrl-C")
    .option("--tail <n>", "how many lines of each container", atLeastOne, 100)
    .action(async (service: string | undefined, options: LogsOptions) => {
      const project = await Project.open(shell, { profiles: "all" });
      const argv = [
        "logs",
        "--no-color",
        `--tail=${options.tail}`,
        ...(options.follow ? ["--follow"] : []),
        ...(service === undefined ? [] : [project.mustHave(service)]),
      ];
      const code = await project.follow(argv, shell.signal, (line) => shell.out(`${safeText(withoutErasing(line))}\n`));
      if (code !== 0 && !shell.signal.aborted) throw composeFailed(argv, []);
    });
}

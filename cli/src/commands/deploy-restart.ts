import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { launch } from "../deploy/launch.ts";
import { Project } from "../deploy/project.ts";
import { programName, type Shell } from "../shell.ts";
import { lengthOf } from "../terminal/ages.ts";
import { span } from "../terminal/page.ts";
import { timeoutOption, withProgress } from "./deploy-session.ts";
import { jsonOption, show } from "./session.ts";

interface RestartOptions {
  timeout: number;
  json?: boolean;
}

/** `operator deploy local restart`: ends services and starts them again, with what they stored. */
export function registerDeployRestart(local: Command, shell: Shell): void {
  local
    .command("restart")
    .summary("restart a service, or all, and wait until it's healthy")
    .description(
      "Restarts a service, or all of them, and waits until it's healthy. Containers stay, with what they stored.",
    )
    .argument("[service]", "only this service")
    .addOption(timeoutOption)
    .addOption(jsonOption)
    .action((named: string | undefined, options: RestartOptions) =>
      withProgress(
        shell,
        options,
        async (progress) => {
          const started = performance.now();
          progress.step("looking at Docker");
          const project = await Project.open(shell, { profiles: "all" });
          const name = named === undefined ? undefined : project.mustHave(named);
          const there = await project.containers();
          const services = project.topology.services
            .filter((service) => (name === undefined ? !service.isJob : service.name === name))
            .map((service) => ({ ...service, count: there.filter((one) => one.service === service.name).length }))
            .filter(({ count }) => count > 0);
          const names = services.map((service) => service.name);
          if (names.length === 0) {
            throw new CliError(
              "NOT_DEPLOYED",
              `${name === undefined ? "nothing" : `no container of "${name}"`} is there to be restarted: ${programName(shell.env)} deploy local up`,
            );
          }
          progress.step(`restarting ${names.length === 1 ? names[0] : `${names.length} services`}`);
          // To its end whatever happens: what is stopped is to be started.
          await project.mustRun(["restart", ...names]);
          await launch(project, {
            services,
            withinMs: options.timeout,
            progress,
            signal: shell.signal,
          });
          progress.end();
          const document = { type: "restarted", services: names, tookMs: Math.round(performance.now() - started) };
          show(shell, options, document, () => [
            [span("✓", "good"), ` restarted after ${lengthOf(document.tookMs)}: ${names.join(", ")}`],
          ]);
        },
        "stopped waiting; what was restarted runs on",
      ),
    );
}

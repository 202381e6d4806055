import type { Command } from "commander";
import { Project } from "../deploy/project.ts";
import { standingOf } from "../deploy/standing.ts";
import { type DeployStatus, statusPage } from "../deploy/status-page.ts";
import type { Shell } from "../shell.ts";
import { jsonOption, show } from "./session.ts";

/** `operator deploy local status`: how the containers are; `operator status` says how the subject is. */
export function registerDeployStatus(local: Command, shell: Shell): void {
  local
    .command("status")
    .summary("how every container is")
    .description("Every service with state, health, since when, how often the engine started it again, and its ports.")
    .addOption(jsonOption)
    .action(async (options: { json?: boolean }) => {
      const project = await Project.open(shell, { profiles: "all" });
      const containers = await project.containers();
      const status: DeployStatus = {
        project: project.topology.project,
        atMs: shell.nowMs(),
        services: project.topology.services.flatMap((service) => {
          const own = containers.filter((container) => container.service === service.name);
          const isWanted = own.length > 0 || !service.isOptional;
          return isWanted ? [{ service: service.name, ...standingOf(service, own), containers: own }] : [];
        }),
      };
      show(shell, options, status, () => statusPage(status, shell.columns));
    });
}

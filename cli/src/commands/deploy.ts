import type { Command } from "commander";
import type { Shell } from "../shell.ts";
import { registerDeployDown } from "./deploy-down.ts";
import { registerDeployLogs } from "./deploy-logs.ts";
import { registerDeployRestart } from "./deploy-restart.ts";
import { registerDeployStatus } from "./deploy-status.ts";
import { registerDeployUp } from "./deploy-up.ts";

/** `operator deploy local up|down|status|logs|restart`: the containers of compose.yaml, on this machine. */
export function registerDeploy(program: Command, shell: Shell): void {
  const deploy = program.command("deploy").description("the operator and what it watches as containers");
  const local = deploy.command("local").description("on this machine, by its `docker compose`");
  registerDeployUp(local, shell);
  registerDeployDown(local, shell);
  registerDeployStatus(local, shell);
  registerDeployLogs(local, shell);
  registerDeployRestart(local, shell);
}

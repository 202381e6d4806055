import { type Command, InvalidArgumentError } from "commander";
import { haveImages } from "../deploy/images.ts";
import { launch } from "../deploy/launch.ts";
import { mustHaveMemory } from "../deploy/memory.ts";
import { mustHavePorts } from "../deploy/ports.ts";
import type { Progress } from "../deploy/progress.ts";
import { Project } from "../deploy/project.ts";
import { readReady, readyPage } from "../deploy/ready.ts";
import { programName, type Shell } from "../shell.ts";
import { timeoutOption, withProgress } from "./deploy-session.ts";
import { jsonOption, show } from "./session.ts";

interface UpOptions {
  keep?: boolean;
  build?: boolean;
  scale: Record<string, number>;
  timeout: number;
  json?: boolean;
}

/** `operator deploy local up`: starts all of it and comes back when it's healthy. */
export function registerDeployUp(local: Command, shell: Shell): void {
  local
    .command("up")
    .summary("start everything, and wait until it's healthy")
    .description(
      "Starts every service of compose.yaml and waits until all are healthy; says where they are and what to try. Refuses when Docker, a port or memory is missing. Ctrl-C ends the waiting, not the services.",
    )
    .option("--keep", "keep what the bus stores in a volume that outlives its container")
    .option("--build", "build the operator's image anew, of the files as they are now")
    .option("--scale <service=n>", "how many containers of a service; may be given several times", scaleOf, {})
    .addOption(timeoutOption)
    .addOption(jsonOption)
    .action((options: UpOptions) =>
      withProgress(
        shell,
        options,
        (progress) => up(shell, options, progress),
        `stopped waiting; what was started runs on. To stop it: ${programName(shell.env)} deploy local down`,
      ),
    );
}

async function up(shell: Shell, options: UpOptions, progress: Progress): Promise<void> {
  const { build = false, keep = false, scale, timeout } = options;
  const started = performance.now();
  progress.step("looking at Docker");
  const project = await Project.open(shell, { profiles: "asked", given: keep ? keeping : {} });
  const scaled = Object.entries(scale).map(([service, count]) => [project.mustHave(service), count] as const);
  const services = project.topology.services.map((service) => ({
    ...service,
    count: scale[service.name] ?? service.count,
  }));
  const there = await project.containers();
  mustHaveMemory(project.engine, services, there);
  await mustHavePorts(project.docker, shell.root, services, there);
  await haveImages(project, { build, progress, signal: shell.signal });
  const scales = scaled.map(([service, count]) => `--scale=${service}=${count}`);
  progress.step("making containers");
  // To its end whatever happens: half of it leaves containers that have another's name.
  await project.mustRun(["up", "--no-start", "--no-build", "--remove-orphans", ...scales]);
  shell.signal.throwIfAborted();
  progress.step(`starting ${services.length} services`);
  const argv = ["up", "--detach", "--no-build", "--no-recreate", ...scales];
  await launch(project, { argv, services, withinMs: timeout, progress, signal: shell.signal });
  progress.end();
  const tookMs = Math.round(performance.now() - started);
  const ready = { type: "ready", tookMs, ...(await readReady(shell, project)) };
  show(shell, options, ready, () => [[], ...readyPage(ready, shell)]);
}

/** What compose/bus.yaml puts before the path of the bus's data: the volume's name and a colon, and not nothing. */
const keeping = { OPERATOR_NATS_DATA: "nats-data:" };

function scaleOf(text: string, before: Record<string, number>): Record<string, number> {
  const [, service, count] = /^([\w.-]+)=(\d{1,2})$/.exec(text) ?? [];
  if (service === undefined) throw new InvalidArgumentError("service=n is wanted, n from 0 to 99");
  return { ...before, [service]: Number(count) };
}

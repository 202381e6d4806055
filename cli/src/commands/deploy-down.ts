import type { Command } from "commander";
import { Project } from "../deploy/project.ts";
import { programName, type Shell } from "../shell.ts";
import { type Line, span } from "../terminal/page.ts";
import { withProgress } from "./deploy-session.ts";
import { jsonOption, show } from "./session.ts";

interface DownOptions {
  volumes?: boolean;
  json?: boolean;
}

/** `operator deploy local down`: stops and removes what `up` started. */
export function registerDeployDown(local: Command, shell: Shell): void {
  local
    .command("down")
    .summary("stop everything and remove its containers")
    .description(
      "Stops every service and removes its container and what it stored; passwords and what `--keep` kept stay, in volumes, unless `--volumes` removes them too.",
    )
    .option("--volumes", "also all volumes: what was kept, and the passwords, which are drawn anew then")
    .addOption(jsonOption)
    .action((options: DownOptions) =>
      withProgress(shell, options, async (progress) => {
        progress.step("looking at Docker");
        const project = await Project.open(shell, { profiles: "all" });
        progress.step("stopping");
        const word = (line: string) => progress.word(line);
        // `down` alone leaves the volumes without a name, which nobody finds again.
        await project.mustRun(["rm", "--stop", "--force", "--volumes"], word);
        const more = options.volumes ? ["--volumes"] : [];
        await project.mustRun(["down", "--remove-orphans", ...more], word);
        // Compose forgets a volume that no service mounts now, such as the one that `--keep` made.
        if (options.volumes) await project.removeVolumes();
        progress.end();
        const document = { type: "down", project: project.topology.project, keptVolumes: await project.volumes() };
        show(shell, options, document, () => downPage(document, shell));
      }),
    );
}

function downPage({ project, keptVolumes }: { project: string; keptVolumes: string[] }, shell: Shell): Line[] {
  const hasData = keptVolumes.includes(`${project}_nats-data`);
  const more = `${programName(shell.env)} deploy local down --volumes`;
  return [
    [span("✓", "good"), ` nothing of "${project}" runs`],
    ...(keptVolumes.length === 0
      ? []
      : [
          [
            `  kept: ${keptVolumes.length} volumes${hasData ? ", of them what the bus stored" : ""}; to remove them: `,
            span(more, "code"),
          ],
        ]),
  ];
}

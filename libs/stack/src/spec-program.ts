import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ProcessSpec } from "@operator/subject/processes";
import { Program } from "./program.ts";
import { findServers, root } from "./servers.ts";

/** So that a second start of the same program is faster. */
export const compileCache = { NODE_COMPILE_CACHE: join(root, ".cache", "compile") };

/** Where the programs are that these specs name, and what their environment needs. Gets what is nowhere; throws with what couldn't be. */
export async function findCommands(specs: readonly ProcessSpec[]) {
  const servers = specs.map(({ command }) => command).filter((command) => command !== "node");
  return { ...(await findServers([...new Set(servers)])), node: { file: process.execPath, env: compileCache } };
}

/** Writes the files of a spec into the folder and starts it; it's ready when this resolves. */
export async function startSpec(
  spec: ProcessSpec,
  given: { commands: Awaited<ReturnType<typeof findCommands>>; folder: string; logFile: string },
): Promise<Program> {
  const { file, env } = given.commands[spec.command];
  for (const [name, content] of Object.entries(spec.files ?? {})) {
    if (basename(name) !== name || name === "..")
      throw new Error(`"${name}" of ${spec.name} is no file's name: give one without folders`);
    writeFileSync(join(given.folder, name), content);
  }
  return await Program.start({
    name: spec.name,
    file,
    arguments: spec.arguments,
    environment: { ...env, ...spec.environment },
    logFile: given.logFile,
    ready: spec.ready,
  });
}

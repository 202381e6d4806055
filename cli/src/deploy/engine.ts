import { z } from "zod";
import { CliError } from "../cli-error.ts";
import type { Docker } from "./docker.ts";

/** What is known of the engine that `docker` talks to. */
export interface Engine {
  version: string;
  composeVersion: string;
  /** The name of the machine that it runs on. */
  host: string;
  memoryBytes: number;
}

/** `include`, of which compose.yaml is made, came with 2.20; health that compose waits for works from engine 20.10 on. */
const composeAtLeast = [2, 20] as const;
const engineAtLeast = [20, 10] as const;

/** The engine, when it answers and both it and compose are new enough: `DOCKER_MISSING`, `DOCKER_TOO_OLD`, `DOCKER_AWAY`. */
export async function findEngine(docker: Docker): Promise<Engine> {
  const [compose, info] = await Promise.all([
    docker.ask(["compose", "version"]),
    docker.ask(["info", "--format", "{{json .}}"]),
  ]);
  const composeVersion = versionIn(compose.out);
  if (composeVersion === undefined) {
    throw new CliError(
      "DOCKER_MISSING",
      `\`docker compose version\` says "${(compose.err || compose.out).trim().split("\n")[0]}": install Docker's compose plugin ${composeAtLeast.join(".")} or newer, https://docs.docker.com/compose/install/`,
    );
  }
  mustBe("docker compose", composeVersion, composeAtLeast);
  const { ServerVersion, ServerErrors, Name, MemTotal } = infoIn(info.out);
  // The program ends well or not, as its version likes, when nobody answers it.
  if (ServerVersion === "" || ServerErrors.length > 0) {
    const why = ServerErrors[0] ?? lastLine(info.err);
    const todo = /permission denied/i.test(why)
      ? "may you use it? The group `docker` may, after a new login"
      : "start it, or name another by DOCKER_HOST";
    throw new CliError("DOCKER_AWAY", `the Docker engine doesn't answer ("${why}"): ${todo}`);
  }
  mustBe("the Docker engine", ServerVersion, engineAtLeast);
  return { version: ServerVersion, composeVersion, host: Name, memoryBytes: MemTotal };
}

const Info = z.object({
  ServerVersion: z.string().default(""),
  ServerErrors: z
    .array(z.string())
    .nullish()
    .transform((errors) => errors ?? []),
  Name: z.string().default(""),
  MemTotal: z.number().default(0),
});

function infoIn(text: string): z.infer<typeof Info> {
  try {
    return Info.parse(JSON.parse(text));
  } catch {
    // Older programs say nothing in JSON when nobody answers.
    return Info.parse({});
  }
}

function versionIn(text: string): string | undefined {
  return /\bv?(\d+\.\d+\S*)/.exec(text)?.[1];
}

function mustBe(what: string, version: string, [major, minor]: readonly [number, number]): void {
  const [, ours = "", rest = ""] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  // A version without numbers is somebody's own build.
  if (ours === "" || Number(ours) > major || (Number(ours) === major && Number(rest) >= minor)) return;
  throw new CliError(
    "DOCKER_TOO_OLD",
    `${what} is ${version}, and ${major}.${minor} or newer is needed: https://docs.docker.com/engine/install/`,
  );
}

export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}

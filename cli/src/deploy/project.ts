import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CliError } from "../cli-error.ts";
import type { Shell } from "../shell.ts";
import { suggestion } from "../suggest.ts";
import { type Container, containersIn, inspectFormat, listedIn } from "./containers.ts";
import { Docker } from "./docker.ts";
import { type Engine, findEngine, lastLine } from "./engine.ts";
import { type Topology, topologyIn } from "./topology.ts";

/** The project's containers by `docker compose`, whose files alone say what there is. */
export class Project {
  readonly docker: Docker;
  readonly engine: Engine;
  readonly topology: Topology;
  readonly #compose: readonly string[];

  private constructor(docker: Docker, engine: Engine, topology: Topology, compose: readonly string[]) {
    this.docker = docker;
    this.engine = engine;
    this.topology = topology;
    this.#compose = compose;
  }

  /**
   * The project in the shell's root, when Docker can run it. Throws `PROJECT_MISSING`, `COMPOSE_FAILED` when its files
   * can't be read, and what `findEngine` throws. Its services are those of the profiles that are asked for
   * (COMPOSE_PROFILES), or of `all`. `given`: variables for the compose files, beside the environment's own.
   */
  static async open(
    { root, env }: Shell,
    { profiles, given }: { profiles: "asked" | "all"; given?: Record<string, string> },
  ): Promise<Project> {
    mustBeProject(root);
    const docker = new Docker({ ...env, ...given });
    // Without the file's name compose would take any other in the current folder, or COMPOSE_FILE's.
    const inRoot = ["--project-directory", root, "--file", join(root, "compose.yaml")];
    const compose = ["compose", "--ansi", "never", ...inRoot, ...(profiles === "all" ? ["--profile", "*"] : [])];
    const engine = await findEngine(docker);
    const config = wellEnded(await docker.ask([...compose, "config", "--format", "json"]));
    return new Project(
      docker,
      engine,
      readable("config", engine, () => topologyIn(config)),
      compose,
    );
  }

  /** All containers of the project, those that ended too. */
  async containers(): Promise<Container[]> {
    const rows = wellEnded(await this.docker.ask([...this.#compose, "ps", "--all", "--format", "json"]));
    const listed = readable("ps", this.engine, () => listedIn(rows));
    if (listed.length === 0) return [];
    // It fails for those that have gone since, and says the others.
    const ids = listed.map(({ id }) => id);
    const { out } = await this.docker.ask(["inspect", "--type", "container", "--format", inspectFormat, ...ids]);
    return readable("inspect", this.engine, () => containersIn(listed, out));
  }

  /** The newest lines that a service logged, oldest first. */
  async lastWords(service: string, lines: number): Promise<string[]> {
    const argv = ["logs", "--no-color", "--no-log-prefix", "--tail", String(lines), service];
    const { out, err } = await this.docker.ask([...this.#compose, ...argv]);
    const said = `${out}${err}`.trimEnd();
    return said === "" ? [] : said.split("\n").slice(-lines).map(withoutErasing);
  }

  /** The volumes with a name that the project has now. */
  async volumes(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${this.topology.project}`;
    const names = wellEnded(await this.docker.ask(["volume", "ls", "--quiet", "--filter", label]));
    return names.split("\n").filter((name) => name !== "");
  }

  async removeVolumes(): Promise<void> {
    const names = await this.volumes();
    if (names.length > 0) wellEnded(await this.docker.ask(["volume", "rm", ...names]));
  }

  /** Runs a command of compose for as long as it takes; its lines as they come. Resolves with its exit code. */
  follow(argv: readonly string[], signal: AbortSignal, each: (line: string) => void): Promise<number> {
    return this.docker.follow([...this.#compose, ...argv], signal, each);
  }

  /** The same, which must end well: `COMPOSE_FAILED` with its last lines otherwise. */
  async mustRun(
    argv: readonly string[],
    each: (line: string) => void = () => {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    const lines: string[] = [];
    const code = await this.follow(argv, signal, (line) => {
      lines.push(line);
      if (lines.length > lastLinesMax) lines.shift();
      each(line);
    });
    if (code !== 0) throw composeFailed(argv, lines);
  }

  /** A service that was named on the command line. Throws `SERVICE_UNKNOWN`, with the nearest name. */
  mustHave(service: string): string {
    const names = this.topology.services.map(({ name }) => name);
    if (names.includes(service)) return service;
    throw new CliError(
      "SERVICE_UNKNOWN",
      `no service "${service}"${suggestion(service, names)}: there are ${names.join(", ")}`,
    );
  }
}

/** How many lines of a command or a service are shown when something is wrong. */
export const lastLinesMax = 12;

/** A line of `docker compose logs`: it erases the terminal's line before each, also where there is no terminal. */
export function withoutErasing(line: string): string {
  return line.startsWith(eraseLine) ? line.slice(eraseLine.length) : line;
}

const eraseLine = "\x1b[2K";

/** `lines`: its newest words, which the commands show above the error. */
export function composeFailed([command = ""]: readonly string[], lines: readonly string[]): CliError {
  const why = lines.at(-1)?.trim() ?? "it said nothing";
  return new CliError("COMPOSE_FAILED", `\`docker compose ${command}\` failed: ${why}`, { log: lines });
}

function mustBeProject(root: string): void {
  const file = join(root, "compose.yaml");
  if (existsSync(file) && /^name: operator$/m.test(readFileSync(file, "utf8"))) return;
  throw new CliError(
    "PROJECT_MISSING",
    `"${root}" isn't the project's root: no compose.yaml of the project "operator" is there. Run it in a checkout of the repository`,
  );
}

/** What a program of another version says may be otherwise than what was seen of those that were tried. */
function readable<Value>(command: string, { version, composeVersion }: Engine, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const [first] = error instanceof z.ZodError ? error.issues : [];
    const why = first ? `${first.path.join(".")}: ${first.message}` : String(error);
    throw new CliError(
      "COMPOSE_FAILED",
      `what docker's "${command}" says can't be read (${why}); engine ${version}, compose ${composeVersion}: please report it`,
    );
  }
}

function wellEnded({ code, out, err }: { code: number; out: string; err: string }): string {
  if (code === 0) return out;
  throw new CliError(
    "COMPOSE_FAILED",
    `\`docker compose\` failed: ${lastLine(err) || lastLine(out) || `exit ${code}`}`,
  );
}

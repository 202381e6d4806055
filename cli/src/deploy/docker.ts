import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { CliError } from "../cli-error.ts";
import { lengthOf } from "../terminal/ages.ts";

/** What a run of `docker` said, and its exit code. */
export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** The machine's own `docker`, each question a process of it: what a person types does the same. */
export class Docker {
  readonly #env: Record<string, string | undefined>;

  constructor(env: Record<string, string | undefined>) {
    this.#env = env;
  }

  /** Runs it to its end and keeps what it said. Throws `DOCKER_MISSING`, or `DOCKER_AWAY` when it doesn't end in time. */
  async ask(argv: readonly string[], withinMs = 20_000): Promise<Ran> {
    const said = { out: "", err: "" };
    const late = AbortSignal.timeout(withinMs);
    const code = await this.#run(argv, late, ({ stdout, stderr }) => {
      stdout?.setEncoding("utf8").on("data", (text: string) => (said.out += text));
      stderr?.setEncoding("utf8").on("data", (text: string) => (said.err += text));
    });
    if (late.aborted) {
      throw new CliError(
        "DOCKER_AWAY",
        `\`docker ${argv.join(" ")}\` didn't end within ${lengthOf(withinMs)}: is the engine well? \`docker info\` tells`,
      );
    }
    return { code, ...said };
  }

  /** Runs it for as long as it takes and tells each line as it comes; ended by the signal. Resolves with its exit code. */
  follow(argv: readonly string[], signal: AbortSignal, each: (line: string) => void): Promise<number> {
    return this.#run(argv, signal, ({ stdout, stderr }) => {
      for (const input of [stdout, stderr]) if (input) createInterface({ input }).on("line", each);
    });
  }

  async #run(argv: readonly string[], signal: AbortSignal, listen: (child: ChildProcess) => void): Promise<number> {
    // A group of its own, so that Ctrl-C reaches it when and how we say: compose would stop what it has just started.
    const child = spawn("docker", argv, { env: this.#env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const end = () => endGroup(child);
    signal.addEventListener("abort", end, { once: true });
    try {
      return await new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => resolve(code ?? 1));
        listen(child);
        if (signal.aborted) end();
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new CliError(
        "DOCKER_MISSING",
        `no program \`docker\` can be run here (${why}): install Docker Engine 20.10 or newer with its compose plugin, https://docs.docker.com/engine/install/, or take \`npm run demo\`, which needs none`,
      );
    } finally {
      signal.removeEventListener("abort", end);
    }
  }
}

/** Asks the program and its plugins to end, and soon makes them. */
function endGroup({ pid, exitCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null) return;
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended.
    }
  };
  send("SIGTERM");
  setTimeout(send, 3_000, "SIGKILL").unref();
}

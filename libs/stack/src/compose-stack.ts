import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Bus } from "@operator/bus/bus";
import { InstanceName } from "@operator/contracts/names";
import { freePorts } from "./free-port.ts";
import { z } from "zod";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..", "..");

/** Why there's no Docker to test with; undefined when there is. */
export function whyNoDocker(): string | undefined {
  for (const words of [
    ["version", "--format", "{{.Server.Version}}"],
    ["compose", "version"],
  ]) {
    try {
      execFileSync("docker", words, { stdio: "pipe", timeout: 10_000 });
    } catch {
      return `no Docker: \`docker ${words.join(" ")}\` fails`;
    }
  }
  return undefined;
}

const projectLabel = "com.docker.compose.project";

function linesOf(said: string): string[] {
  return said.split("\n").filter((line) => line !== "");
}

const Context = z.object({ url: z.string(), passwords: z.object({ cli: z.string(), watch: z.string() }) });

/** The compose files' whole stack under a project name, on ports and in a folder of its own. */
export class ComposeStack implements AsyncDisposable {
  readonly project = `operator-test-${randomBytes(3).toString("hex")}`;
  /** Where the context and the approver's key are, as `.operator/compose` is for a person. */
  readonly folder = mkdtempSync(join(tmpdir(), "operator-compose-"));
  readonly #environment: NodeJS.ProcessEnv;
  readonly #buses: Bus[] = [];

  private constructor(ports: { nats: number; prometheus: number }, settings: Record<string, string>) {
    this.#environment = {
      ...process.env,
      COMPOSE_PROJECT_NAME: this.project,
      OPERATOR_COMPOSE_FOLDER: this.folder,
      OPERATOR_NATS_PORT: String(ports.nats),
      OPERATOR_PROMETHEUS_PORT: String(ports.prometheus),
      // A real TiKV takes gigabytes, and images that may not be had.
      OPERATOR_TIKV: "simulator",
      ...settings,
    };
  }

  /** The image is there, nothing runs yet. `settings`: variables of the compose files. */
  static async make(settings: Record<string, string> = {}): Promise<ComposeStack> {
    const [nats = 0, prometheus = 0] = await freePorts(2);
    const stack = new ComposeStack({ nats, prometheus }, settings);
    await stack.compose("build", "--quiet");
    return stack;
  }

  /** What `docker compose` prints, run as from the project's root. */
  async compose(...words: string[]): Promise<string> {
    return await this.docker("compose", ...words);
  }

  async docker(...words: string[]): Promise<string> {
    const { stdout } = await run("docker", words, {
      cwd: root,
      env: this.#environment,
      maxBuffer: 64 * 1024 * 1024,
      timeout: 180_000,
    });
    return stdout;
  }

  /** The operator's command line, as a person beside the stack uses it: the last JSON document that it prints. */
  async operator(...words: string[]): Promise<unknown> {
    const { stdout } = await run(
      process.execPath,
      [join(root, "cli", "src", "main.ts"), ...words, "--context", join(this.folder, "context.json"), "--json"],
      { cwd: root, env: this.#environment, timeout: 120_000 },
    );
    return JSON.parse(linesOf(stdout).at(-1) ?? "");
  }

  /** The id of a service's containers, also of those that have ended. */
  async containers(service: string): Promise<string[]> {
    return linesOf(await this.compose("ps", "--all", "--quiet", service));
  }

  /** The containers that run, and whether they are the operator's own: those on its image that are no part of the subject. */
  async running(): Promise<{ service: string; container: string; isOperator: boolean }[]> {
    const format = '{{.ID}} {{.Image}} {{.Label "com.docker.compose.service"}} {{.Label "operator.target"}}';
    const said = await this.docker("ps", "--filter", `label=${projectLabel}=${this.project}`, "--format", format);
    return linesOf(said).map((line) => {
      const [container = "", image = "", service = "", target = ""] = line.split(" ");
      return { service, container, isOperator: image === "operator:local" && target === "" && service !== "load" };
    });
  }

  /** The containers that are members of the subject of a kind, running or not. */
  async members(kind: string): Promise<{ target: string; container: string }[]> {
    const filters = ["--filter", `label=${projectLabel}=${this.project}`, "--filter", `label=operator.kind=${kind}`];
    const said = await this.docker("ps", "--all", ...filters, "--format", '{{.Label "operator.target"}} {{.ID}}');
    return linesOf(said).map((line) => {
      const [target = "", container = ""] = line.split(" ");
      return { target, container };
    });
  }

  context(): z.infer<typeof Context> {
    return Context.parse(JSON.parse(readFileSync(join(this.folder, "context.json"), "utf8")));
  }

  /** A connection as the command line's user, closed with the stack. */
  async connect(): Promise<Bus> {
    const { url, passwords } = this.context();
    const bus = await Bus.connect({
      servers: url,
      user: "cli",
      password: passwords.cli,
      instance: InstanceName.parse(`cli-${randomBytes(2).toString("hex")}`),
    });
    this.#buses.push(bus);
    return bus;
  }

  /** What the engine still has of the project. */
  async leftovers(): Promise<string[]> {
    const label = `label=${projectLabel}=${this.project}`;
    const lists = await Promise.all([
      this.docker("ps", "--all", "--quiet", "--filter", label),
      this.docker("volume", "ls", "--quiet", "--filter", label),
      this.docker("network", "ls", "--quiet", "--filter", label),
    ]);
    return lists.flatMap(linesOf);
  }

  async down(): Promise<void> {
    await Promise.allSettled(this.#buses.splice(0).map((bus) => bus.close()));
    const down = () => this.compose("down", "--volumes", "--remove-orphans", "--timeout", "10");
    await down().catch(async (error: unknown) => {
      // An engine under load may still hold the address of a container that it has removed.
      if (!String(error).includes("has active endpoints")) throw error;
      await sleep(2_000);
      await down();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

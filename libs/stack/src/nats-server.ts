import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bus } from "@operator/bus/bus";
import { passwordsOf } from "@operator/bus/passwords";
import { provision } from "@operator/bus/provision";
import { serverConfig } from "@operator/bus/server-config";
import type { UserName } from "@operator/contracts/channel";
import { InstanceName } from "@operator/contracts/names";
import { freePorts } from "./free-port.ts";
import { Program } from "./program.ts";
import { findServers } from "./servers.ts";

export interface NatsOptions {
  /** Where configuration and streams are kept; a temporary one, removed at the end, unless given. */
  folder?: string;
  /** A free one unless given; stays the same over restarts. */
  port?: number;
  passwords?: Record<UserName, string>;
}

/** A real nats-server with the users of the loop, on 127.0.0.1. */
export class NatsServer implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly passwords: Record<UserName, string>;
  readonly #program: Program;
  readonly #removeFolder: boolean;

  private constructor(program: Program, about: Required<NatsOptions>, removeFolder: boolean) {
    this.#program = program;
    this.#removeFolder = removeFolder;
    this.folder = about.folder;
    this.port = about.port;
    this.passwords = about.passwords;
    this.url = `nats://127.0.0.1:${about.port}`;
  }

  static async start(options: NatsOptions = {}): Promise<NatsServer> {
    const isOurs = options.folder === undefined;
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "operator-nats-")));
    const [port = 0] = options.port === undefined ? await freePorts(1) : [options.port];
    const passwords = options.passwords ?? passwordsOf();
    const { "nats-server": found } = await findServers(["nats-server"]);
    await mkdir(folder, { recursive: true });
    const configFile = join(folder, "nats.conf");
    await writeFile(configFile, configOf(folder, port, passwords), { mode: 0o600 });
    try {
      const program = await Program.start({
        name: "nats-server",
        file: found.file,
        arguments: ["-c", configFile],
        environment: found.env,
        logFile: join(folder, "nats.log"),
        ready: { line: "Server is ready" },
      });
      return new NatsServer(program, { folder, port, passwords }, isOurs);
    } catch (error) {
      if (isOurs) await rm(folder, { recursive: true });
      throw error;
    }
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Sends it a signal; waits for its end unless the signal only pauses it or lets it go on. Its streams stay. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#program.signal(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await this.#program.exited;
  }

  /** Starts it again with the same port and streams, killed before when it still runs. */
  async restart(): Promise<void> {
    await this.#program.kill();
    await this.#program.restart();
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    if (this.#removeFolder) await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  return NatsServer.start(options);
}

/** Started, with every stream, bucket and worker. */
export async function startProvisionedNats(options: NatsOptions = {}): Promise<NatsServer> {
  const server = await NatsServer.start(options);
  try {
    await using bus = await Bus.connect({
      servers: server.url,
      user: "provision",
      password: server.passwords.provision,
      instance: InstanceName.parse("provision"),
    });
    await provision(bus);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function configOf(folder: string, port: number, passwords: Record<UserName, string>): string {
  return [
    `server_name: operator-${port}`,
    `listen: "127.0.0.1:${port}"`,
    "max_payload: 8MB",
    "jetstream {",
    `  store_dir: ${JSON.stringify(join(folder, "streams"))}`,
    "  max_file: 64GB",
    "  max_mem: 256MB",
    "  # What a crash of the operating system may cost; a killed process loses nothing.",
    "  sync_interval: 10s",
    "}",
    serverConfig({ passwords }),
  ].join("\n");
}

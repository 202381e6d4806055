import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actuatorClient, chaosClient } from "@operator/supervisor/client";
import { Supervisor, type SupervisorOptions } from "@operator/supervisor/server";
import Docker from "dockerode";
import { type DockerDriverOptions, dockerDriver } from "./docker-driver.ts";
import { Engine, type EngineLimits } from "./engine.ts";
import { EngineProxy } from "./engine-proxy.fixture.ts";
import { kindLabel, networkLabel, projectLabel, targetLabel } from "./labels.ts";

export const dockerSocket = "/var/run/docker.sock";
const docker = new Docker({ socketPath: dockerSocket });

/** Either has what members here are made of: a shell, and a server that says something when asked. */
const images = {
  "redis:8-bookworm": {
    serve: ["redis-server", "--protected-mode", "no"],
    ask: (name: string) => ["timeout", "2", "redis-cli", "-h", name, "ping"],
  },
  "node:24-bookworm-slim": {
    serve: ["node", "-e", "require('node:net').createServer((s) => s.end('PONG')).listen(6379)"],
    ask: (name: string) => {
      const script = `require("node:net").connect(6379, "${name}").on("error", () => process.exit(1)).pipe(process.stdout)`;
      return ["timeout", "2", "node", "-e", script];
    },
  },
};
type ImageName = keyof typeof images;
const imageNames: ImageName[] = ["redis:8-bookworm", "node:24-bookworm-slim"];

async function imagesPresent(): Promise<ImageName[]> {
  const tags = new Set((await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []));
  return imageNames.filter((name) => tags.has(name));
}

/** Why there's nothing to test with; undefined when there is. */
export async function whyNoDocker(...needed: ImageName[]): Promise<string | undefined> {
  try {
    const present = await imagesPresent();
    const missing = needed.filter((name) => !present.includes(name));
    if (missing.length > 0) return `no image ${missing.join(", ")}`;
    return present.length > 0 ? undefined : `no image ${imageNames.join(" or ")}`;
  } catch (error) {
    return `no Docker engine at ${dockerSocket} (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** Of a container. A label that is undefined is left away. */
interface Made {
  labels?: Record<string, string | undefined>;
  /** Its networks, with its aliases there. */
  networks?: Record<string, string[]>;
  /** A shell's script that it runs; sleeps unless told. */
  script?: string;
  /** Answers who asks, instead of running a script. */
  serves?: boolean;
  /** A shell's script that says whether it's healthy. */
  healthy?: string;
  /** Made and not started. */
  idle?: boolean;
  /** Instead of what it has otherwise. */
  settings?: Docker.ContainerCreateOptions;
}

type LabOptions = Omit<DockerDriverOptions, "engine" | "project"> & EngineLimits & Partial<SupervisorOptions>;

/** Containers and networks of a project of its own, under a supervisor that speaks to the engine through a proxy. */
export class Lab implements AsyncDisposable {
  readonly project = `operator-driver-${randomBytes(4).toString("hex")}`;
  readonly folder: string;
  readonly proxy: EngineProxy;
  readonly #image: ImageName;
  readonly #containers: Docker.Container[] = [];
  readonly #networks: Docker.Network[] = [];
  readonly #volumes: Docker.Volume[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(folder: string, image: ImageName) {
    this.folder = folder;
    this.#image = image;
    this.proxy = new EngineProxy(join(folder, "docker.sock"), dockerSocket);
  }

  static async open(): Promise<Lab> {
    const [image] = await imagesPresent();
    if (image === undefined) throw new Error("no image to make members of");
    const lab = new Lab(await mkdtemp(join(tmpdir(), "operator-docker-")), image);
    await lab.proxy.open();
    return lab;
  }

  /** A supervisor over the project, with its clients; closed with the lab. */
  async supervise({ callWithinMs, readyWithinMs, effectWithinMs, ...limits }: LabOptions = {}) {
    const engine = new Engine(this.proxy.socketPath, definedOf({ callWithinMs }));
    const driver = dockerDriver({ engine, project: this.project, ...definedOf({ readyWithinMs, effectWithinMs }) });
    const folder = join(this.folder, `s${this.#closers.length}`);
    const supervisor = await Supervisor.start({ driver, folder, retryMs: 100, ...limits });
    const chaos = chaosClient(supervisor.sockets.chaos);
    const actuator = actuatorClient(supervisor.sockets.actuator);
    this.#closers.push(async () => {
      await supervisor.close().catch(() => {});
      await chaos[Symbol.asyncDispose]();
      await actuator[Symbol.asyncDispose]();
    });
    return { supervisor, driver, chaos, actuator };
  }

  /** A member of the project: `node-a` is a container `<project>-node-a-1`, as compose names it. */
  async member(target: string, made: Made = {}): Promise<Docker.Container> {
    return await this.container(`${target}-1`, {
      ...made,
      labels: { [targetLabel]: target, [kindLabel]: "node", ...made.labels },
    });
  }

  async container(name: string, made: Made = {}): Promise<Docker.Container> {
    const { labels, networks = {}, script = "exec sleep 1000", serves, healthy, idle, settings } = made;
    const [first, ...others] = Object.entries(networks).map(
      ([network, Aliases]) => [this.nameOf(network), { Aliases }] as const,
    );
    const container = await docker.createContainer({
      name: this.nameOf(name),
      Image: this.#image,
      Entrypoint: [],
      Cmd: serves ? images[this.#image].serve : ["sh", "-c", script],
      Env: [`SECRET=${secret}`],
      Labels: definedOf({ [projectLabel]: this.project, ...labels }),
      ...(healthy === undefined ? {} : { Healthcheck: { Test: ["CMD-SHELL", healthy], Interval: 200e6, Retries: 1 } }),
      HostConfig: { Init: true, NetworkMode: first?.[0] ?? "none" },
      ...(first ? { NetworkingConfig: { EndpointsConfig: { [first[0]]: first[1] } } } : {}),
      ...settings,
    });
    this.#containers.push(container);
    for (const [network, EndpointConfig] of others)
      await docker.getNetwork(network).connect({ Container: container.id, EndpointConfig });
    if (!idle) await container.start();
    return container;
  }

  async network(name: string, labels: Record<string, string | undefined> = {}): Promise<Docker.Network> {
    const network = await docker.createNetwork({
      Name: this.nameOf(name),
      Labels: definedOf({ [projectLabel]: this.project, [networkLabel]: name, ...labels }),
    });
    this.#networks.push(network);
    return network;
  }

  /** Its name. */
  async volume(name: string): Promise<string> {
    await docker.createVolume({ Name: this.nameOf(name) });
    this.#volumes.push(docker.getVolume(this.nameOf(name)));
    return this.nameOf(name);
  }

  /** As compose names what belongs to a project. */
  nameOf(name: string): string {
    return `${this.project}-${name}`;
  }

  /** Whether a container reaches another one's server by this name. */
  async reaches(from: Docker.Container, name: string): Promise<boolean> {
    const exec = await from.exec({ Cmd: images[this.#image].ask(name), AttachStdout: true });
    let text = "";
    for await (const chunk of await exec.start({ Detach: false })) text += String(chunk);
    return text.includes("PONG");
  }

  /** All that it has printed; one that has a terminal. */
  async printedBy(container: Docker.Container): Promise<string> {
    const printed: unknown = await container.logs({ stdout: true, stderr: true });
    // Of a single line of JSON the client makes an object.
    return Buffer.isBuffer(printed) ? printed.toString() : JSON.stringify(printed);
  }

  async stateOf(container: Docker.Container): Promise<string> {
    return (await container.inspect()).State.Status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
    await this.proxy[Symbol.asyncDispose]();
    await Promise.all(this.#containers.map((container) => container.remove({ force: true }).catch(() => {})));
    await Promise.all([...this.#networks, ...this.#volumes].map((one) => one.remove().catch(() => {})));
    await rm(this.folder, { recursive: true });
  }
}

/** In the environment of every container here. */
export const secret = "what-nobody-is-told";

/** Without what is undefined. */
function definedOf<T>(given: Record<string, T | undefined>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

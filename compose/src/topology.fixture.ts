import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { parse } from "yaml";
import { z } from "zod";

/** The project's root, where `compose.yaml` is. */
const root = join(import.meta.dirname, "..", "..");

const Service = z.looseObject({
  image: z.string(),
  profiles: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  privileged: z.boolean().optional(),
  networks: z.array(z.string()).default(["default"]),
  network_mode: z.string().optional(),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  cap_add: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  mem_limit: z.string().optional(),
  cpus: z.number().optional(),
  pids_limit: z.int().optional(),
});
export type Service = z.infer<typeof Service> & {
  /** The compose file that it stands in, from the project's root. */
  file: string;
};

/** Before it's merged with what it extends. */
const Written = z.looseObject({ extends: z.object({ file: z.string(), service: z.string() }).optional() });
const ComposeFile = z.object({
  include: z.array(z.string()).default([]),
  services: z.record(z.string(), Written).default({}),
});

/** What the compose files and the environment files that they name say, of all profiles, before any variable is filled in. */
export interface Topology {
  services: Record<string, Service>;
  /** Text by path: of the files that images are built by. */
  dockerfiles: Record<string, string>;
}

/**
 * Read from the project's root, `variables` filled in where a file's name has one. Throws when a file isn't of the form that
 * `docker compose` and this project's habits ask for.
 */
export function readTopology(variables: Record<string, string> = {}): Topology {
  const topology: Topology = { services: {}, dockerfiles: {} };
  const filled = (name: string) =>
    name.replace(/\$\{(\w+):-([^}]*)\}/g, (_, variable: string, otherwise: string) => variables[variable] ?? otherwise);
  const beside = (file: string, name: string) => join(dirname(file), filled(name));
  const readFile = (file: string) => {
    const { include, services } = readComposeFile(file);
    for (const name of include) readFile(beside(file, name));
    for (const [name, own] of Object.entries(services)) {
      const base = own.extends && readComposeFile(beside(file, own.extends.file)).services[own.extends.service];
      const service = Service.parse({ ...base, ...own });
      const texts = service.env_file.map((path) => readFileSync(join(root, beside(file, path)), "utf8"));
      const shared = Service.shape.environment.parse(parseEnv(texts.join("\n")));
      const environment = { ...shared, ...service.environment };
      topology.services[name] = { ...service, file, environment };
      const { context, dockerfile } = service.build ?? {};
      const built = dockerfile === undefined ? undefined : join(dirname(file), context ?? ".", dockerfile);
      if (built !== undefined) topology.dockerfiles[built] = readFileSync(join(root, built), "utf8");
    }
  };
  readFile("compose.yaml");
  return topology;
}

/** Those that run to their end once, as others wait for them to have done. */
export function oneShots({ services }: Topology): Set<string> {
  const waitedFor = Object.values(services).flatMap((service) => Object.entries(service.depends_on));
  return new Set(
    waitedFor.flatMap(([name, { condition }]) => (condition === "service_completed_successfully" ? [name] : [])),
  );
}

/** A YAML file of the project, its merges carried out. */
export function readYaml(file: string): unknown {
  return parse(readFileSync(join(root, file), "utf8"), { merge: true });
}

function readComposeFile(file: string): z.infer<typeof ComposeFile> {
  const read = ComposeFile.safeParse(readYaml(file));
  if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`);
  return read.data;
}

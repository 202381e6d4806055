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
  build: z.object({ dockerfile: z.string() }).optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  privileged: z.boolean().optional(),
  network_mode: z.string().optional(),
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

const ComposeFile = z.object({
  include: z.array(z.string()).default([]),
  services: z.record(z.string(), Service).default({}),
});

/** What the compose files and the environment files that they name say, of all profiles, before any variable is filled in. */
export interface Topology {
  services: Record<string, Service>;
  /** Text by path: of the files that images are built by. */
  dockerfiles: Record<string, string>;
}

/** Throws when a file isn't of the form that `docker compose` and this project's habits ask for. */
export function readTopology(): Topology {
  const { include } = readComposeFile("compose.yaml");
  const topology: Topology = { services: {}, dockerfiles: {} };
  for (const file of include) {
    for (const [name, service] of Object.entries(readComposeFile(file).services)) {
      const texts = service.env_file.map((path) => readFileSync(join(root, dirname(file), path), "utf8"));
      const shared = Service.shape.environment.parse(parseEnv(texts.join("\n")));
      const environment = { ...shared, ...service.environment };
      topology.services[name] = { ...service, file, environment };
      // The context is the project's root.
      const dockerfile = service.build?.dockerfile;
      if (dockerfile !== undefined) topology.dockerfiles[dockerfile] = readFileSync(join(root, dockerfile), "utf8");
    }
  }
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

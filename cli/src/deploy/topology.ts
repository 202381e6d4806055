import { z } from "zod";

/** A service as the compose files have it. */
export interface Service {
  name: string;
  image: string;
  /** Made of the project's own files, and of no registry. */
  isBuilt: boolean;
  /** Others wait until it's done: it ends, and is well then. */
  isJob: boolean;
  /** Only there when its profile is asked for. */
  isOptional: boolean;
  /** How many containers it's to have. */
  count: number;
  memoryMaxBytes: number;
  ports: PublishedPort[];
}

export interface PublishedPort {
  address: string;
  port: number;
  /** The port inside the container. */
  target: number;
}

export interface Topology {
  project: string;
  /** The folder on this machine where the containers lay the context for the command line and the approver's key. */
  desk: string | undefined;
  services: Service[];
}

/**
 * The topology in what `docker compose config --format json` says, which has all files in one and all variables filled in.
 * Throws when it's something else.
 */
export function topologyIn(config: string): Topology {
  const { name, services } = Config.parse(JSON.parse(config));
  const jobs = new Set(
    Object.values(services).flatMap(({ depends_on }) =>
      Object.entries(depends_on ?? {}).flatMap(([job, { condition }]) =>
        condition === "service_completed_successfully" ? [job] : [],
      ),
    ),
  );
  return {
    project: name,
    desk: Object.values(services)
      .flatMap(({ volumes }) => volumes ?? [])
      .find(({ target }) => target === "/desk")?.source,
    services: Object.entries(services).map(
      ([service, { image, build, profiles, ports, mem_limit, scale, deploy }]): Service => ({
        name: service,
        // A service without an image's name gets compose's own.
        image: image ?? `${name}-${service}`,
        isBuilt: build !== undefined && build !== null,
        isJob: jobs.has(service),
        isOptional: (profiles ?? []).length > 0,
        count: scale ?? deploy?.replicas ?? 1,
        memoryMaxBytes: mem_limit ?? 0,
        ports: (ports ?? []).flatMap(({ host_ip, published, target }) => {
          const port = Number(published);
          return Number.isInteger(port) && port > 0 ? [{ address: host_ip, port, target }] : [];
        }),
      }),
    ),
  };
}

const number = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const Config = z.object({
  name: z.string(),
  services: z.record(
    z.string(),
    z.object({
      image: z.string().optional(),
      build: z.unknown().optional(),
      profiles: z.array(z.string()).nullish(),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).nullish(),
      ports: z
        .array(
          z.object({
            host_ip: z.string().default("0.0.0.0"),
            target: z.number(),
            published: z.union([z.string(), z.number()]).optional(),
          }),
        )
        .nullish(),
      volumes: z.array(z.object({ source: z.string().optional(), target: z.string().optional() })).nullish(),
      mem_limit: number.optional(),
      scale: number.optional(),
      deploy: z.object({ replicas: number.optional() }).nullish(),
    }),
  ),
});

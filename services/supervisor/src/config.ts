import { readOwnConfig } from "@operator/service/config";
import { z } from "zod";

const path = z.string().startsWith("/", "an absolute path");

const own = {
  /** Compose's name of the project whose containers and networks there are; no others exist for it. */
  OPERATOR_COMPOSE_PROJECT: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, "the name of a compose project: lower case, digits, - and _"),
  OPERATOR_DOCKER_SOCKET: path.default("/var/run/docker.sock"),
  /** Each in a volume that this one client mounts as well. */
  OPERATOR_SUPERVISOR_CHAOS_SOCKET: path.default("/run/operator/supervisor/chaos/chaos.sock"),
  OPERATOR_SUPERVISOR_ACTUATOR_SOCKET: path.default("/run/operator/supervisor/actuator/actuator.sock"),
  /** A folder that outlives the container: the faults that run, for the next supervisor when this one is killed. */
  OPERATOR_SUPERVISOR_STATE: path.default("/var/lib/operator"),
  OPERATOR_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
};

/** The supervisor isn't on the bus, so it has none of the settings that services share. */
export function readSupervisorConfig(environment: Record<string, string | undefined>) {
  return readOwnConfig(own, environment);
}

import { createServer } from "node:net";
import { CliError } from "../cli-error.ts";
import type { Container } from "./containers.ts";
import type { Docker } from "./docker.ts";
import { listenerOf } from "./listener.ts";
import { variableOf } from "./port-variable.ts";
import type { Service } from "./topology.ts";

/**
 * Throws `PORT_TAKEN`, with all of them, when ports that the services publish are somebody else's. A port that a
 * container of this project holds is no obstacle.
 */
export async function mustHavePorts(
  docker: Docker,
  root: string,
  services: readonly Service[],
  containers: readonly Container[],
): Promise<void> {
  const held = new Set(containers.flatMap(({ state, ports }) => (state === "running" ? ports : [])));
  const wanted = services.flatMap(({ name, ports }) => ports.map((port) => ({ service: name, ...port })));
  const taken = [];
  for (const { service, address, port, target } of wanted) {
    if (held.has(`${address}:${port}`) || (await isFree(address, port))) continue;
    const by = (await publisherOf(docker, port)) ?? listenerOf(port) ?? null;
    taken.push({ service, port: `${address}:${port}`, by, variable: variableOf(root, target) ?? null });
  }
  if (taken.length === 0) return;
  const says = taken.map(({ service, port, by, variable }) => {
    const todo = variable === null ? "end that" : `end that, or set ${variable} to a free port`;
    return `the port ${port} of "${service}" is taken${by === null ? "" : ` by ${by}`}: ${todo}`;
  });
  throw new CliError("PORT_TAKEN", says.join("; "), { taken });
}

/** Whether one could listen there. Other obstacles than a listener are the engine's to say. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(!("code" in error && error.code === "EADDRINUSE")));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function publisherOf(docker: Docker, port: number): Promise<string | undefined> {
  const { out } = await docker.ask(["ps", "--filter", `publish=${port}`, "--format", "{{.Names}}"]);
  const [name] = out.trim().split("\n");
  return name ? `the container ${name}` : undefined;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The variable that moves the port under which a container's port is published, e.g. `OPERATOR_NATS_PORT` for 4222, when
 * the compose files have one for it. Compose itself doesn't tell: `config --no-interpolate` fails on some of our volumes.
 */
export function variableOf(root: string, target: number): string | undefined {
  const main = read(root, "compose.yaml");
  const included = [...main.matchAll(/^ +- (\S+\.yaml)$/gm)].map(([, file = ""]) => read(root, file));
  const found = [main, ...included].flatMap((text) => [...text.matchAll(/\$\{(\w+):-\d+\}:(\d+)"/g)]);
  return found.find(([, , port]) => Number(port) === target)?.[1];
}

function read(root: string, file: string): string {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    // Only a hint is lost: compose has read all of them before.
    return "";
  }
}

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";

export const root = join(import.meta.dirname, "..", "..", "..");

const Found = z.record(z.string(), z.object({ file: z.string(), env: z.record(z.string(), z.string()) }));

/** Where nats-server, redis-server or prometheus are, and what their environment needs, e.g. a library path. */
export async function findServers<const Name extends string>(
  names: readonly Name[],
): Promise<Record<Name, { file: string; env: Record<string, string> }>> {
  // The bootstrap is plain JavaScript that runs before anything is installed, so it has no types to import.
  const { findServers: find } = z
    .object({ findServers: z.function({ input: [z.array(z.string())], output: z.promise(z.unknown()) }) })
    .parse(await import(pathToFileURL(join(root, "bootstrap", "servers.js")).href));
  const found = Found.parse(await find([...names]));
  const entries = names.map((name) => [name, found[name]] as const);
  return z.record(z.enum(names), Found.valueType).parse(Object.fromEntries(entries));
}

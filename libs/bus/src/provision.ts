import { isDeepStrictEqual } from "node:util";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Bus } from "./bus.ts";
import { BusError } from "./failure.ts";
import { lint, plannedConsumers, plannedStreams } from "./stream-config.ts";

const serverAtLeast = [2, 12] as const;

/**
 * Makes every stream, bucket and worker, or brings it up to date; may run at any time, by several at once. Compares what
 * the server stored with what was asked: an older one drops what it doesn't know without a word.
 */
export async function provision(bus: Bus, { replicas = 1 }: { replicas?: number } = {}): Promise<void> {
  const [planned, consumers] = [plannedStreams(replicas), plannedConsumers(replicas)];
  const problems = lint(planned, consumers);
  if (problems.length > 0) throw new BusError("BAD_PLAN", problems.join("; "));
  refuseOldServer(bus.link.connection.info?.version ?? "unknown");
  const { streams, consumers: consumerApi } = bus.link.api;
  for (const config of planned) {
    const { config: stored } = await ensure(
      bus,
      `provision ${config.name}`,
      () => streams.info(config.name),
      () => streams.add(config),
      (info) => (differences(config, info.config).length > 0 ? () => streams.update(config.name, config) : undefined),
    );
    refuseDifferences(`stream ${config.name}`, config, stored);
  }
  for (const { stream, config } of consumers) {
    const { config: stored } = await ensure(
      bus,
      `provision ${config.durable_name}`,
      () => consumerApi.info(stream, config.durable_name),
      () => consumerApi.add(stream, config),
      (info) =>
        differences(config, info.config).length > 0
          ? () => consumerApi.update(stream, config.durable_name, config)
          : undefined,
    );
    refuseDifferences(`worker ${config.durable_name}`, config, stored);
  }
}

/** Looks, then makes or updates. What another provisioner makes at the same time is found by the next look. */
async function ensure<Info>(
  bus: Bus,
  what: string,
  look: () => Promise<Info>,
  add: () => Promise<Info>,
  update: (info: Info) => (() => Promise<Info>) | undefined,
): Promise<Info> {
  return await bus.link.insist(what, async () => {
    let info: Info;
    try {
      info = await look();
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.status === 404)) throw error;
      return await add();
    }
    return (await update(info)?.()) ?? info;
  });
}

function refuseDifferences(what: string, asked: object, stored: object): void {
  const found = differences(asked, stored);
  if (found.length === 0) return;
  throw new BusError("NOT_STORED", `${what}: the server stored something else: ${found.join(", ")}; is it old?`);
}

/** What a stored configuration says otherwise than was asked; what it says beyond that is the server's own affair. */
export function differences(asked: object, stored: object): string[] {
  const has = new Map<string, unknown>(Object.entries(stored));
  return Object.entries(asked)
    .filter(([key, value]) => !isDeepStrictEqual(has.get(key) ?? defaultOf(value), value))
    .map(([key, value]) => `${key} is ${JSON.stringify(has.get(key))}, asked was ${JSON.stringify(value)}`);
}

/** The server leaves out what is empty. */
function defaultOf(value: unknown): unknown {
  if (typeof value === "number") return 0;
  if (typeof value === "boolean") return false;
  return undefined;
}

/** Throws when a server of this version doesn't know all that is asked of it. */
export function refuseOldServer(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > serverAtLeast[0] || (major === serverAtLeast[0] && minor >= serverAtLeast[1])) return;
  throw new BusError("OLD_SERVER", `nats-server ${version} is too old: ${serverAtLeast.join(".")} or newer is needed`);
}

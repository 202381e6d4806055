import { JetStreamApiError } from "@nats-io/jetstream";
import type { StreamName } from "@operator/contracts/streams";
import type { Bus } from "./bus.ts";
import { permissionsOf } from "./permissions.ts";
import { differences } from "./provision.ts";
import { plannedConsumers, plannedStreams } from "./stream-config.ts";

/** What the server has of one planned stream, bucket or worker. */
export interface Inspected {
  kind: "stream" | "bucket" | "worker";
  name: string;
  state: "missing" | "as planned" | "different";
  /** What differs, as `<key> is <stored>, asked was <planned>`. */
  differences: string[];
}

/** Compares what the server has with the plan, and changes nothing. Only what the bus's user may ask about. */
export async function inspect(bus: Bus, { replicas = 1 }: { replicas?: number } = {}): Promise<Inspected[]> {
  const allowed = permissionsOf(bus.user).publish;
  const may = (address: string) => allowed.includes(address) || allowed.includes("$JS.API.>");
  const { streams, consumers } = bus.link.api;
  const inspected: Inspected[] = [];
  for (const config of plannedStreams(replicas)) {
    if (!may(`$JS.API.STREAM.INFO.${config.name}`)) continue;
    const stored = await look(bus, config.name, () => streams.info(config.name));
    const isBucket = config.name.startsWith("KV_");
    inspected.push(judge(isBucket ? "bucket" : "stream", config.name.replace(/^KV_/, ""), config, stored?.config));
  }
  for (const { stream, config } of plannedConsumers(replicas)) {
    if (!may(`$JS.API.CONSUMER.INFO.${stream}.${config.durable_name}`)) continue;
    const stored = await look(bus, config.durable_name, () => consumers.info(stream, config.durable_name));
    inspected.push(judge("worker", config.durable_name, config, stored?.config));
  }
  return inspected;
}

/** Whether the server has a stream at all: asked before anything that would wait for it. */
export async function isStored(bus: Bus, stream: StreamName): Promise<boolean> {
  return (await look(bus, stream, () => bus.link.api.streams.info(stream))) !== undefined;
}

async function look<Info>(bus: Bus, name: string, ask: () => Promise<Info>): Promise<Info | undefined> {
  return await bus.link.insist(
    `inspect ${name}`,
    async () => {
      try {
        return await ask();
      } catch (error) {
        // No such stream, or no such consumer: an answer, not a failure.
        if (error instanceof JetStreamApiError && error.status === 404) return undefined;
        throw error;
      }
    },
    { deadlineMs: 5_000 },
  );
}

function judge(kind: Inspected["kind"], name: string, asked: object, stored: object | undefined): Inspected {
  if (stored === undefined) return { kind, name, state: "missing", differences: [] };
  const found = differences(asked, stored);
  return { kind, name, state: found.length === 0 ? "as planned" : "different", differences: found };
}

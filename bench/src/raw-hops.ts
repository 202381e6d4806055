import { join } from "node:path";
import { RawLine } from "@operator/bus/baseline-hops";
import { Program } from "@operator/stack/program";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import type { RawHop } from "./raw-hop.ts";

/** Where the loop's own messages travel, on a server of its own without any service. */
const places = {
  first: { stream: "SNAPSHOTS", address: "operator.snapshot.raw.full" },
  second: { stream: "VIOLATIONS", address: "operator.violation.raw.raw.raw" },
  last: { stream: "TICKETS", address: "operator.ticket.raw.raw.raw.1" },
};

/** Three raw hops like the loop's: publish, two processes that read and publish on, one reader. Equal streams and sizes. */
export class RawHops implements AsyncDisposable {
  readonly server: NatsServer;
  readonly #relays: Program[];
  readonly #line: RawLine;
  readonly #arrivals = new Map<number, number>();

  private constructor(server: NatsServer, relays: Program[], line: RawLine, arrivals: Map<number, number>) {
    this.server = server;
    this.#relays = relays;
    this.#line = line;
    this.#arrivals = arrivals;
  }

  static async start(bytes: { snapshot: number; violation: number; ticket: number }): Promise<RawHops> {
    const server = await startProvisionedNats();
    const relays: Program[] = [];
    try {
      const at = { servers: server.url, user: "provision", password: server.passwords.provision };
      relays.push(await startRelay(server, { at, from: places.first, to: places.second, bytes: bytes.violation }));
      relays.push(await startRelay(server, { at, from: places.second, to: places.last, bytes: bytes.ticket }));
      const arrivals = new Map<number, number>();
      const line = await RawLine.open(at, {
        ...places,
        bytes: bytes.snapshot,
        onArrival: (index) => arrivals.set(index, performance.now()),
      });
      return new RawHops(server, relays, line, arrivals);
    } catch (error) {
      await stopAll(relays, server);
      throw error;
    }
  }

  /** Sends message `index`; resolves when it's stored. */
  async send(index: number): Promise<void> {
    await this.#line.send(index);
  }

  /** When it came out at the end, on this process's monotonic clock. */
  arrivedAtMs(index: number): number | undefined {
    return this.#arrivals.get(index);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#line[Symbol.asyncDispose]();
    await stopAll(this.#relays, this.server);
  }
}

async function startRelay(server: NatsServer, hop: RawHop): Promise<Program> {
  return await Program.start({
    name: "raw hop",
    file: process.execPath,
    arguments: [join(import.meta.dirname, "main.ts"), "raw-hop"],
    environment: { BENCH_RAW_HOP: JSON.stringify(hop) },
    logFile: join(server.folder, `raw-${hop.from.stream}.log`),
    ready: { line: "ready" },
  });
}

async function stopAll(relays: Program[], server: NatsServer): Promise<void> {
  await Promise.all(relays.map((relay) => relay.stop()));
  await server.stop();
}

import { Refusal } from "@operator/supervisor/supervisor-error";
import { within } from "@operator/supervisor/within";
import Docker from "dockerode";
import { z } from "zod";

/** A container as the engine lists it. Its environment, mounts and command aren't taken in. */
const Container = z.object({
  Id: z.string(),
  Names: z.array(z.string()),
  Labels: z.record(z.string(), z.string()),
  State: z.string(),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ NetworkID: z.string() })) }),
});
export type Container = z.infer<typeof Container>;

const Network = z.object({ Id: z.string(), Name: z.string(), Labels: z.record(z.string(), z.string()) });
export type Network = z.infer<typeof Network>;

/** The engine says null for what there isn't. */
const orNothing = <T>(schema: z.ZodType<T>) => schema.nullish().transform((value) => value ?? undefined);

/** How a container stands in a network, as far as it takes to bring it back there as it was. */
export const Place = z.object({
  Aliases: orNothing(z.array(z.string())),
  Links: orNothing(z.array(z.string())),
  IPAMConfig: orNothing(z.object({ IPv4Address: z.string().optional(), IPv6Address: z.string().optional() })),
  DriverOpts: orNothing(z.record(z.string(), z.string())),
});
export type Place = z.infer<typeof Place>;

/** What is read of one container: again, not its environment. */
const Inspection = z.object({
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    Health: orNothing(z.object({ Status: z.string() })),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), Place.extend({ NetworkID: z.string() })) }),
});
export type Inspection = z.infer<typeof Inspection>;

export interface EngineLimits {
  /** For what only asks or signals; 3 s unless told. */
  callWithinMs?: number;
}

/** A container that is stopped has so long before it's killed. */
const stopWithinS = 10;

/**
 * The few requests that are made of Docker's engine; there's no other way to it. Each throws `ENGINE_AWAY` when no answer
 * comes in time, and an Error in the engine's words when it refuses.
 */
export class Engine {
  readonly #docker: Docker;
  readonly #socketPath: string;
  readonly #callWithinMs: number;

  constructor(socketPath: string, { callWithinMs = 3_000 }: EngineLimits = {}) {
    // Without a host, and with a protocol, or the environment's DOCKER_HOST would win.
    this.#docker = new Docker({ socketPath, host: "", protocol: "http" });
    this.#socketPath = socketPath;
    this.#callWithinMs = callWithinMs;
  }

  /** Running or not, all that have these labels (`name` or `name=value`). */
  async containers(labels: string[]): Promise<Container[]> {
    const list = await this.#ask("list containers", (abortSignal) =>
      this.#docker.listContainers({ all: true, filters: { label: labels }, abortSignal }),
    );
    return z.array(Container).parse(list);
  }

  async networks(labels: string[]): Promise<Network[]> {
    const list = await this.#ask("list networks", (abortSignal) =>
      this.#docker.listNetworks({ filters: { label: labels }, abortSignal }),
    );
    return z.array(Network).parse(list);
  }

  async inspect(container: string): Promise<Inspection> {
    return Inspection.parse(
      await this.#ask("inspect", (abortSignal) => this.#docker.getContainer(container).inspect({ abortSignal })),
    );
  }

  async kill(container: string): Promise<void> {
    await this.#ask("kill", (abortSignal) =>
      this.#docker.getContainer(container).kill({ signal: "SIGKILL", abortSignal }),
    );
  }

  async pause(container: string): Promise<void> {
    await this.#ask("pause", (abortSignal) => this.#docker.getContainer(container).pause({ abortSignal }));
  }

  async unpause(container: string): Promise<void> {
    await this.#ask("unpause", (abortSignal) => this.#docker.getContainer(container).unpause({ abortSignal }));
  }

  /** Answers when it has ended, which takes 10 s at most and then a kill. */
  async stop(container: string): Promise<void> {
    const withinMs = stopWithinS * 1_000 + this.#callWithinMs;
    const stop = (abortSignal: AbortSignal) =>
      this.#docker.getContainer(container).stop({ t: stopWithinS, abortSignal });
    await this.#ask("stop", stop, withinMs);
  }

  /** Answers when its process runs, which is long before it's ready. */
  async start(container: string): Promise<void> {
    const withinMs = 3 * this.#callWithinMs;
    await this.#ask("start", (abortSignal) => this.#docker.getContainer(container).start({ abortSignal }), withinMs);
  }

  async disconnect(network: string, container: string): Promise<void> {
    await this.#ask("disconnect", (abortSignal) =>
      this.#docker.getNetwork(network).disconnect({ Container: container, abortSignal }),
    );
  }

  async connect(network: string, container: string, place: Partial<Place>): Promise<void> {
    const { Aliases, Links, IPAMConfig, DriverOpts } = place;
    await this.#ask("connect", (abortSignal) => {
      const options = { Container: container, EndpointConfig: { Aliases, Links, IPAMConfig, DriverOpts }, abortSignal };
      return this.#docker.getNetwork(network).connect(options);
    });
  }

  async #ask<T>(what: string, call: (abortSignal: AbortSignal) => Promise<T>, ms = this.#callWithinMs): Promise<T> {
    const late = () => {
      throw new Refusal("ENGINE_AWAY", `Docker's engine at ${this.#socketPath} didn't answer ${what} within ${ms} ms`);
    };
    try {
      // The signal ends the request; the answer of one that was cut off halfway comes never, signal or not.
      return await within(ms, call(AbortSignal.timeout(ms)), late);
    } catch (error) {
      if (error instanceof Refusal || isAnswer(error)) throw error;
      if (error instanceof Error && error.name === "AbortError") return late();
      const why = error instanceof Error ? error.message : String(error);
      throw new Refusal("ENGINE_AWAY", `Docker's engine at ${this.#socketPath} is away (${what}: ${why})`, {
        cause: error,
      });
    }
  }
}

/** What the engine itself refuses has a status; what is wrong on the way to it doesn't. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error;
}

import { KeptFile } from "@operator/supervisor/kept-file";
import { z } from "zod";
import { type Container, type Network, Place } from "./engine.ts";

const Kept = z.record(z.string(), z.record(z.string(), Place));

/**
 * Which containers were cut off which networks, and how they stood there: the engine forgets both with the connection.
 * By the container's id, so that a new one in its place, which compose connected anew, is cut off nothing. In a file they
 * outlive this process too.
 */
export class Cuts {
  readonly #byContainer: Map<string, Map<string, Place>>;
  readonly #kept: KeptFile<z.infer<typeof Kept>> | undefined;

  /** Throws `STATE_UNREADABLE`. */
  constructor(file?: string) {
    this.#kept = file === undefined ? undefined : new KeptFile(file, Kept);
    const kept = Object.entries(this.#kept?.read() ?? {});
    this.#byContainer = new Map(kept.map(([id, cuts]) => [id, new Map(Object.entries(cuts))]));
  }

  /** Before the effect: a cut that takes effect too late is known all the same. */
  add(container: Container, network: Network, place: Place): void {
    const cuts = this.#byContainer.get(container.Id) ?? new Map<string, Place>();
    this.#byContainer.set(container.Id, cuts.set(network.Id, place));
    this.#keep();
  }

  remove(container: Container, network: Network): void {
    this.#byContainer.get(container.Id)?.delete(network.Id);
    this.#keep();
  }

  /** How the container stood in a network that it's cut off. */
  placeOf(container: Container, network: Network): Place | undefined {
    return this.#byContainer.get(container.Id)?.get(network.Id);
  }

  /** Forgets containers that aren't there any more. */
  keepOnly(containers: Iterable<Container>): void {
    const ids = new Set([...containers].map(({ Id }) => Id));
    for (const id of this.#byContainer.keys()) if (!ids.has(id)) this.#byContainer.delete(id);
  }

  #keep(): void {
    const all = [...this.#byContainer].map(([id, cuts]) => [id, Object.fromEntries(cuts)] as const);
    this.#kept?.write(Object.fromEntries(all));
  }
}

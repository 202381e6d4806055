import type { Container, Place, Network } from "./engine.ts";

/**
 * Which containers were cut off which networks, and how they stood there: the engine forgets both with the connection.
 * By the container's id, so that a new one in its place, which compose connected anew, is cut off nothing.
 */
export class Cuts {
  readonly #byContainer = new Map<string, Map<string, Place>>();

  /** Before the effect: a cut that takes effect too late is known all the same. */
  add(container: Container, network: Network, place: Place): void {
    const cuts = this.#byContainer.get(container.Id) ?? new Map<string, Place>();
    this.#byContainer.set(container.Id, cuts.set(network.Id, place));
  }

  remove(container: Container, network: Network): void {
    this.#byContainer.get(container.Id)?.delete(network.Id);
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
}

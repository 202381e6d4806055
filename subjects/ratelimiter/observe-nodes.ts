import { NodeId, NodeUrl } from "./settings.ts";
import type { RegistryReading } from "./state.ts";

/** A registry of more nodes than these is followed no further. */
const nodesMax = 256;

/**
 * Which nodes to watch, and where: the configured ones and all that the registry ever named. One that stops renewing
 * its entry goes on being watched, for that is when it matters; only one that left on purpose isn't.
 */
export class KnownNodes {
  readonly #configured: ReadonlyMap<string, string>;
  readonly #learned = new Map<string, string>();
  readonly #departed = new Set<string>();
  #lastDepartureMs = 0;

  constructor(configured: ReadonlyMap<string, string>) {
    this.#configured = configured;
  }

  /** Takes in what the registry says now. */
  learn(registry: RegistryReading): void {
    const members = new Set(registry.members);
    for (const id of members) {
      this.#departed.delete(id);
      const url = NodeUrl.safeParse(registry.nodes[id]?.url);
      if (!url.success || !NodeId.safeParse(id).success) continue;
      if (this.#learned.has(id) || this.#learned.size < nodesMax) this.#learned.set(id, url.data);
    }
    this.#lastDepartureMs = Math.max(this.#lastDepartureMs, ...Object.values(registry.departed));
    // The registry forgets departures in time; we don't, or a node would be missed a day after it left.
    for (const id of Object.keys(registry.departed)) {
      if (members.has(id) || !(this.#configured.has(id) || this.#learned.has(id))) continue;
      this.#departed.add(id);
    }
  }

  /** Node → address. What is configured is a person's word and goes before what a node says of itself. */
  watched(): Map<string, string> {
    const all = new Map([...this.#learned, ...this.#configured]);
    for (const id of this.#departed) all.delete(id);
    return all;
  }

  /** When a node left last, by Redis' clock; 0 when none is known to have. */
  lastDepartureMs(): number {
    return this.#lastDepartureMs;
  }

  /** Nodes that were watched until they left. */
  departed(): string[] {
    return [...this.#departed];
  }
}

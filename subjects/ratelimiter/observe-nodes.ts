import { NodeId, NodeUrl } from "./settings.ts";
import type { RegistryReading } from "./state.ts";

/** A registry of more nodes than these is followed no further. */
const nodesMax = 256;

/** When a node last renewed its place in the register, whether it has one now, and when it had none lately. By Redis' clock. */
interface Heartbeat {
  atMs: number;
  isPresent: boolean;
  away?: { fromMs: number; untilMs: number };
}

/**
 * Which nodes to watch, and where: the configured ones and all that the registry ever named. One that stops renewing
 * its entry goes on being watched, for that is when it matters; only one that left on purpose isn't.
 */
export class KnownNodes {
  readonly #configured: ReadonlyMap<string, string>;
  readonly #learned = new Map<string, string>();
  readonly #departed = new Set<string>();
  #lastDepartureMs = 0;
  readonly #heartbeats = new Map<string, Heartbeat>();
  #isLearned = false;

  constructor(configured: ReadonlyMap<string, string>) {
    this.#configured = configured;
  }

  /** Takes in what the registry says now. */
  learn(registry: RegistryReading): void {
    const members = new Set(registry.members);
    this.#isLearned = true;
    for (const id of members) {
      this.#departed.delete(id);
      const url = NodeUrl.safeParse(registry.nodes[id]?.url);
      if (!url.success || !NodeId.safeParse(id).success) continue;
      if (this.#learned.has(id) || this.#learned.size < nodesMax) this.#learned.set(id, url.data);
    }
    this.#lastDepartureMs = Math.max(this.#lastDepartureMs, ...Object.values(registry.departed));
    for (const id of Object.keys(registry.departed)) {
      if (members.has(id) || !(this.#configured.has(id) || this.#learned.has(id))) continue;
      this.#departed.add(id);
      // Its place among those that are followed is another's now.
      this.#learned.delete(id);
    }
    // The registry forgets departures in time; of a configured node we don't, or it would be missed a day after it left.
    for (const id of this.#departed) {
      if (!this.#configured.has(id) && !Object.hasOwn(registry.departed, id)) this.#departed.delete(id);
    }
    this.#hear(registry);
  }

  /** An entry that expired takes its time along: the last that was read of it stays. */
  #hear({ nodes }: RegistryReading): void {
    for (const id of this.watched().keys()) {
      const { present = false, heartbeatAtMs } = nodes[id] ?? {};
      const before = this.#heartbeats.get(id);
      const atMs = heartbeatAtMs ?? before?.atMs;
      if (atMs === undefined) continue;
      const isBack = present && before !== undefined && !before.isPresent;
      const away = isBack ? { fromMs: before.atMs, untilMs: atMs } : before?.away;
      this.#heartbeats.set(id, { atMs, isPresent: present, ...(away && { away }) });
    }
    for (const id of this.#departed) this.#heartbeats.delete(id);
  }

  /** Undefined when the node never had a place in the register. */
  heartbeat(id: string): Heartbeat | undefined {
    return this.#heartbeats.get(id);
  }

  /** Has the register been read at all? */
  isLearned(): boolean {
    return this.#isLearned;
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

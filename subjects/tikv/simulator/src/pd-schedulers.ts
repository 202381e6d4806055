import type { Cluster } from "./pd-cluster.ts";

export const evictLeader = "evict-leader-scheduler";
const defaultSchedulers = [
  "balance-region-scheduler",
  "balance-leader-scheduler",
  "balance-hot-region-scheduler",
  "evict-slow-store-scheduler",
  "evict-stopping-store-scheduler",
];
/** What `POST /schedulers` may name beside the defaults; each of them does nothing here. */
const others = [
  "shuffle-leader-scheduler",
  "shuffle-region-scheduler",
  "grant-leader-scheduler",
  "scatter-range-scheduler",
];

/** A coordinator first looks after 3 s; what its predecessor knew of the regions counts for enough of them. */
const firstLookMs = 3_000;

/** Which schedulers there are. They come once PD's leader knows enough regions; a pause is lost with that leader. */
export class Schedulers {
  readonly #cluster: Cluster;
  readonly #pausedUntilMs = new Map<string, number>();
  #isStarted = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Empty until the coordinator runs. */
  get names(): string[] {
    if (!this.isStarted) return [];
    const evicts = this.#cluster.evicting.length > 0 ? [evictLeader] : [];
    return [...defaultSchedulers.filter((name) => !this.#cluster.removedSchedulers.includes(name)), ...evicts];
  }

  get paused(): string[] {
    return this.names.filter((name) => this.#isPaused(name));
  }

  /** Whether it's there, isn't paused, and scheduling isn't halted. */
  runs(name: string): boolean {
    return this.names.includes(name) && !this.#isPaused(name) && this.#cluster.schedule["halt-scheduling"] !== "true";
  }

  get isStarted(): boolean {
    const { scale, reportedRatio, isInherited, sinceMs } = this.#cluster;
    const isKnown = reportedRatio >= 0.9 || (isInherited && Date.now() - sinceMs > scale.wait(firstLookMs));
    this.#isStarted ||= isKnown;
    return this.#isStarted;
  }

  /** For so many seconds; 0 ends the pause. */
  pause(name: string, seconds: number): void {
    if (seconds > 0) this.#pausedUntilMs.set(name, Date.now() + this.#cluster.scale.wait(seconds * 1_000));
    else this.#pausedUntilMs.delete(name);
  }

  /** What `POST /schedulers` says: adds `name`, or for evict-leader another store. */
  async add(name: string, storeId: number | undefined): Promise<{ text: string } | { status: number; error: string }> {
    if (name === evictLeader) {
      if (storeId === undefined) return { status: 400, error: "missing store id" };
      if (!this.#cluster.stores.has(storeId))
        // 400 in later versions.
        return { status: 500, error: `[PD:core:ErrStoreNotFound]store ${storeId} not found` };
      const { evicting } = this.#cluster;
      if (evicting.includes(storeId)) return { text: "The scheduler has been applied to the store." };
      await this.#cluster.write([{ key: "evict-leader", value: [...evicting, storeId] }]);
      return {
        text: evicting.length === 0 ? "The scheduler is created." : "The scheduler has been applied to the store.",
      };
    }
    if (defaultSchedulers.includes(name)) {
      if (this.names.includes(name))
        return { status: 500, error: "[PD:scheduler:ErrSchedulerExisted]scheduler existed" };
      await this.#removed(this.#cluster.removedSchedulers.filter((removed) => removed !== name));
      return { text: "The scheduler is created." };
    }
    if (others.includes(name)) return { text: "The scheduler is created." };
    return { status: 400, error: "unknown scheduler" };
  }

  /** What `DELETE /schedulers/{name}` answers: a text, or null when one of evict-leader's stores was taken out. */
  async remove(name: string): Promise<{ text: string | null } | "not found"> {
    const store = /^evict-leader-scheduler-(\d+)$/.exec(name)?.[1];
    const { evicting } = this.#cluster;
    if (store !== undefined) {
      if (!evicting.includes(Number(store))) return "not found";
      await this.#evict(evicting.filter((id) => id !== Number(store)));
      return { text: null };
    }
    if (!this.names.includes(name)) return "not found";
    if (name === evictLeader) await this.#evict([]);
    else await this.#removed([...this.#cluster.removedSchedulers, name]);
    this.#pausedUntilMs.delete(name);
    return { text: "The scheduler is removed." };
  }

  #isPaused(name: string): boolean {
    return (this.#pausedUntilMs.get(name) ?? 0) > Date.now();
  }

  async #evict(stores: number[]): Promise<void> {
    await this.#cluster.write([{ key: "evict-leader", value: stores.length === 0 ? null : stores }]);
  }

  async #removed(names: string[]): Promise<void> {
    await this.#cluster.write([{ key: "removed-schedulers", value: names }]);
  }
}

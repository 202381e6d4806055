import { createAgent, tell } from "./ask.ts";
import { goDuration } from "./go-text.ts";
import type { Log } from "./log.ts";
import type { Cluster, Region } from "./pd-cluster.ts";
import { isDone, type Operator, type OperatorStatus, operatorText, timeoutOf } from "./pd-operator.ts";
import { Done, type Step } from "./wire.ts";

/** What an operator is made of; the rest follows from it. */
export type Wanted = Pick<Operator, "desc" | "brief" | "kind" | "steps"> & { region: Region };

/** How an end is counted, and said in the log. */
const endings: Record<
  Exclude<OperatorStatus, "RUNNING">,
  { event: string; line: number; message: string; reason: string }
> = {
  SUCCESS: { event: "finish", line: 735, message: "operator finish", reason: "" },
  REPLACED: { event: "replace", line: 745, message: "operator replaced", reason: "" },
  TIMEOUT: { event: "timeout", line: 759, message: "operator timeout", reason: "timeout" },
  CANCEL: { event: "cancel", line: 766, message: "operator canceled", reason: "admin stop" },
};

const keptMs = 600_000;
const repeatMs = 5_000;

/** The operators under way, one per region, and those that ended in the last ten minutes. */
export class Operators {
  readonly running = new Map<number, Operator>();
  /** The last that ended of each region. */
  readonly ended = new Map<number, Operator>();
  /** `type`, `event` → how often, for the metrics. */
  readonly counts = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #log: Log;
  readonly #agent = createAgent();
  readonly #startedAtMs: number;
  readonly #sentMs = new Map<number, number>();

  constructor(cluster: Cluster, log: Log, startedAtMs: number) {
    this.#cluster = cluster;
    this.#log = log;
    this.#startedAtMs = startedAtMs;
  }

  /** False when the region has one that comes first. */
  add(wanted: Wanted): boolean {
    const { region, ...about } = wanted;
    const isAdmin = about.kind.startsWith("admin");
    const present = this.running.get(region.meta.id);
    if (present !== undefined && (present.isAdmin || !isAdmin)) {
      this.#count(about.desc, "already-have");
      return false;
    }
    if (present !== undefined) this.#end(present, "REPLACED");
    const { confVer, version } = region.meta;
    const operator: Operator = {
      ...about,
      regionId: region.meta.id,
      epoch: {
        confVer,
        version,
      },
      at: 0,
      isAdmin,
      timeoutMs: timeoutOf(about.steps),
      createdAtMs: Date.now(),
      status: "RUNNING",
    };
    this.running.set(operator.regionId, operator);
    this.#count(about.desc, "create");
    this.#count(about.desc, "start");
    this.#log("INFO", "operator_controller.go:581", "add operator", {
      "region-id": operator.regionId,
      operator: `"${operatorText(operator, this.#startedAtMs)}"`,
      "additional-info": "",
    });
    this.advance(region);
    return true;
  }

  /** False when the region has none. */
  cancel(regionId: number): boolean {
    const operator = this.running.get(regionId);
    if (operator !== undefined) this.#end(operator, "CANCEL");
    return operator !== undefined;
  }

  /** A region was heard of: its operator goes on as far as the region is. */
  advance(region: Region): void {
    const operator = this.running.get(region.meta.id);
    if (operator === undefined) return;
    for (let step = operator.steps[operator.at]; step !== undefined; step = operator.steps[operator.at]) {
      if (!isDone(step, region)) {
        if (this.#isDue(operator)) void this.#send(operator, step, region);
        return;
      }
      operator.at += 1;
      this.#sentMs.delete(operator.regionId);
    }
    this.#end(operator, "SUCCESS");
  }

  /** Ends what took too long, and repeats what wasn't done. */
  tick(): void {
    const now = Date.now();
    for (const operator of this.running.values()) {
      const region = this.#cluster.regions.get(operator.regionId);
      if (now - operator.createdAtMs > this.#cluster.scale.wait(operator.timeoutMs)) this.#end(operator, "TIMEOUT");
      else if (region !== undefined && this.#isDue(operator)) this.advance(region);
    }
    for (const [regionId, { finishedAtMs = 0 }] of this.ended)
      if (now - finishedAtMs > this.#cluster.scale.wait(keptMs)) this.ended.delete(regionId);
  }

  /** How many of a kind are under way, e.g. `leader`. */
  countOf(kind: string): number {
    return [...this.running.values()].filter((operator) => operator.kind.split(",").includes(kind)).length;
  }

  #isDue(operator: Operator): boolean {
    return Date.now() - (this.#sentMs.get(operator.regionId) ?? 0) > this.#cluster.scale.wait(repeatMs, 200);
  }

  async #send(operator: Operator, step: Step, region: Region): Promise<void> {
    const leader = region.report?.claim.leader;
    const process = leader === undefined ? undefined : this.#cluster.stores.get(leader)?.meta.process;
    if (leader === undefined || process === undefined) return;
    this.#sentMs.set(operator.regionId, Date.now());
    await tell(
      this.#agent,
      `http://${process}/simulator/step`,
      { region: operator.regionId, leader, step },
      Done,
      2_000,
    );
  }

  #end(operator: Operator, status: keyof typeof endings): void {
    this.running.delete(operator.regionId);
    this.#sentMs.delete(operator.regionId);
    operator.status = status;
    operator.finishedAtMs = Date.now();
    this.ended.set(operator.regionId, operator);
    const { event, line, message, reason } = endings[status];
    this.#count(operator.desc, event);
    this.#log("INFO", `operator_controller.go:${line}`, message, {
      "region-id": operator.regionId,
      takes: goDuration(operator.finishedAtMs - operator.createdAtMs),
      operator: `"${operatorText(operator, this.#startedAtMs)}"`,
      "additional-info": JSON.stringify({ "cancel-reason": reason }),
    });
  }

  #count(type: string, event: string): void {
    const key = `${type} ${event}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

import { z } from "zod";
import { createAgent, tell } from "./ask.ts";
import { decodeJson } from "./exact-json.ts";
import type { Log } from "./log.ts";
import { PdClient } from "./tikv-pd-client.ts";
import { Directory, LoadTaken } from "./wire.ts";

const Regions = z.object({
  regions: z.array(z.object({ id: z.int(), leader: z.looseObject({ store_id: z.int().optional() }) })),
});

/** How often the regions are read anew when all is well, and when something isn't found. */
const readAgainMs = 30_000;
const readFailedMs = 1_000;

/** How often a client tries in a second. */
const roundsMax = 3;

interface DemandOptions {
  pd: string[];
  putsPerS: number;
  getsPerS: number;
  valueBytes: number;
  log: Log;
}

/** What clients want of which region, and what came of it in the last second. */
export class Demand {
  readonly #options: DemandOptions;
  readonly #agent = createAgent();
  /** Region → the store that leads it, as a client remembers it: PD isn't needed for what goes well. */
  readonly #leaders = new Map<number, number | undefined>();
  /** Store → where its process listens. */
  readonly #processes = new Map<number, string>();
  readonly #pd: PdClient;
  #hot: { regionId: number; putsPerS: number; untilMs: number } | undefined;
  #readMs = 0;
  #failing = new Set<number>();
  #isTicking = false;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#pd = new PdClient(options.pd);
  }

  get hot(): { regionId: string; putsPerS: number; untilMs: number } | undefined {
    if (this.#hot === undefined || this.#hot.untilMs < Date.now()) return undefined;
    return { ...this.#hot, regionId: String(this.#hot.regionId) };
  }

  /** Makes a region hot: the given one, or any that has a leader. Undefined when it isn't known. */
  heat(regionId: number | undefined, putsPerS: number, ttlMs: number): { regionId: string } | undefined {
    const led = [...this.#leaders].filter(([, leader]) => leader !== undefined).map(([id]) => id);
    const chosen = regionId ?? led[Math.floor(Math.random() * led.length)];
    if (chosen === undefined || !this.#leaders.has(chosen)) return undefined;
    this.#hot = { regionId: chosen, putsPerS, untilMs: Date.now() + ttlMs };
    return { regionId: String(chosen) };
  }

  cool(): void {
    this.#hot = undefined;
  }

  /** Per second, in the last second. */
  get state() {
    const rates = [...this.#leaders.keys()].map((region) => ({ region, ...this.#rateOf(region) }));
    const sum = (isFailing: boolean) =>
      rates
        .filter(({ region }) => this.#failing.has(region) === isFailing)
        .reduce((sum, { putsPerS, getsPerS }) => sum + putsPerS + getsPerS, 0);
    return {
      regions: this.#leaders.size,
      okPerS: Math.round(sum(false)),
      failedPerS: Math.round(sum(true)),
      failingRegions: [...this.#failing].map(String),
    };
  }

  async tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      const isFailing = this.#failing.size > 0 || this.#leaders.size === 0;
      if (Date.now() - this.#readMs > (isFailing ? readFailedMs : readAgainMs)) await this.#read();
      await this.#send();
    } finally {
      this.#isTicking = false;
    }
  }

  /** Whoever says that another store leads a region is believed at once, as a client's next try would. */
  async #send(): Promise<void> {
    let failing = [...this.#leaders.keys()];
    for (let round = 0; round < roundsMax && failing.length > 0; round++) {
      const unserved = await this.#sendTo(failing);
      if (unserved.length === failing.length && round > 0) break;
      failing = unserved;
    }
    if (failing.length > 0 !== this.#failing.size > 0)
      this.#options.log("INFO", "workload", failing.length > 0 ? "requests fail" : "all requests succeed", {
        "region-count": failing.length,
      });
    this.#failing = new Set(failing);
  }

  /** One message to each process that leads some of these regions; those that nobody served. */
  async #sendTo(regions: number[]): Promise<number[]> {
    const byProcess = new Map<string, number[]>();
    const unserved: number[] = [];
    for (const region of regions) {
      const process = this.#processes.get(this.#leaders.get(region) ?? 0);
      if (process === undefined) unserved.push(region);
      else byProcess.set(process, [...(byProcess.get(process) ?? []), region]);
    }
    const sent = [...byProcess].map(async ([process, regions]) => {
      const wanted = regions.map((region) => ({ region, leader: this.#leaders.get(region), ...this.#rateOf(region) }));
      const told = await tell(this.#agent, `http://${process}/simulator/load`, { regions: wanted }, LoadTaken, 1_000);
      if (told.kind !== "answer") return unserved.push(...regions);
      for (const { region, leader } of told.body.notLeader) {
        unserved.push(region);
        if (leader !== undefined) this.#leaders.set(region, leader);
      }
      return unserved.length;
    });
    await Promise.all(sent);
    return unserved;
  }

  /** Some regions are asked a little more than others, always the same. */
  #rateOf(region: number): { putsPerS: number; getsPerS: number; valueBytes: number } {
    const { putsPerS, getsPerS, valueBytes } = this.#options;
    const share = (0.75 + ((region * 7) % 11) / 20) / Math.max(this.#leaders.size, 1);
    const extra = this.hot?.regionId === String(region) ? this.hot.putsPerS : 0;
    return { putsPerS: putsPerS * share + extra, getsPerS: getsPerS * share, valueBytes };
  }

  async #read(): Promise<void> {
    this.#readMs = Date.now();
    const directory = await this.#pd.tell("directory", {}, Directory);
    for (const { id, process } of directory?.stores ?? []) this.#processes.set(id, process);
    for (const url of this.#options.pd) {
      try {
        const { regions } = Regions.parse(await this.#get(`${url}/pd/api/v1/regions`));
        // A leader that PD doesn't know may still be remembered rightly.
        for (const { id, leader } of regions) this.#leaders.set(id, leader.store_id ?? this.#leaders.get(id));
        return;
      } catch {
        // The next member may know.
      }
    }
  }

  async #get(url: string): Promise<unknown> {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    return decodeJson(await response.text());
  }
}

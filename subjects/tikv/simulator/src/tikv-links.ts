import { createAgent, tell, type Told } from "./ask.ts";
import { goDuration } from "./go-text.ts";
import type { Log } from "./log.ts";
import type { TimeScale } from "./time-scale.ts";
import type { PeerHeartbeat } from "./wire.ts";
import { type Claim, type Directory, PeerHeartbeatTaken } from "./wire.ts";
import type { z } from "zod";

type Entry = z.infer<typeof Directory>["stores"][number];

/** What a process knows of another one: each hosts one store, or many. */
interface Link {
  heardMs: number;
  incarnation?: string;
  wantsClaims: boolean;
  isAsking: boolean;
  /** Since when it neither answers nor refuses. */
  silentSinceMs?: number;
  /** How slow the network to it is, 1 to 100; falls so slowly that its level is history. */
  score: number;
  scoredMs: number;
  failedMs?: number;
  failures: number;
}

/** Of a silent process: score after so many ms, as measured on one that was stopped or cut off. */
const scores: [silentMs: number, score: number][] = [
  [2_500, 3],
  [3_500, 30],
  [4_500, 50],
  [6_000, 70],
  [9_000, 95],
  [15_000, 99],
];
const scoreFallsMs = 12_000;
const reportFailureMs = 5_000;

/** The network between TiKV processes: who is heard of, who is slow, who is gone. */
export class Links {
  readonly #links = new Map<string, Link>();
  readonly #agent = createAgent();
  readonly #scale: TimeScale;
  readonly #log: Log;
  readonly #own: string;
  /** New with each start, so that others see that this process forgot what it led. */
  readonly incarnation = `${process.pid}-${Date.now()}`;
  #stores: Entry[] = [];
  #tickedMs = Date.now();

  constructor(own: string, scale: TimeScale, log: Log) {
    this.#own = own;
    this.#scale = scale;
    this.#log = log;
  }

  get rhythmMs(): number {
    return this.#scale.wait(1_000, 100);
  }

  know(stores: Entry[]): void {
    this.#stores = stores;
    const processes = new Set(stores.map(({ process }) => process).filter((process) => process !== this.#own));
    for (const process of processes)
      if (!this.#links.has(process))
        this.#links.set(process, { ...fresh(), heardMs: Date.now(), scoredMs: Date.now() });
    for (const process of this.#links.keys()) if (!processes.has(process)) this.#links.delete(process);
  }

  processOf(store: number): string | undefined {
    return this.#stores.find(({ id }) => id === store)?.process;
  }

  /** When a store's process was last heard of. */
  heardMs(store: number): number {
    const process = this.processOf(store);
    if (process === undefined) return 0;
    return process === this.#own ? Date.now() : (this.#links.get(process)?.heardMs ?? 0);
  }

  isReachable(store: number): boolean {
    return Date.now() - this.heardMs(store) < 2.5 * this.rhythmMs + 250;
  }

  /** Other store's id → how slow the network to it is; those that are well are left out. */
  get scores(): Record<string, number> {
    return Object.fromEntries(
      this.#stores.flatMap(({ id, process }) => {
        const score = Math.round(this.#links.get(process)?.score ?? 1);
        return score > 1 ? [[String(id), score]] : [];
      }),
    );
  }

  /** Other store's id → how often sending to it failed; none before the first. */
  get failures(): [store: number, count: number][] {
    return this.#stores
      .flatMap(({ id, process }) => {
        const failures = this.#links.get(process)?.failures ?? 0;
        return failures > 0 ? [[id, failures] as const] : [];
      })
      .map(([id, failures]) => [id, failures]);
  }

  /** Says "I'm here" to every other process; `heard` gets what each leads, where this one may have missed it. */
  tick(heard: (claims: Claim[]) => void, restarted: (process: string) => void): void {
    const now = Date.now();
    const hasSlept = now - this.#tickedMs > 2_000 + this.rhythmMs;
    this.#tickedMs = now;
    for (const [process, link] of this.#links) {
      if (hasSlept) {
        // Nobody fell silent: this one did.
        link.heardMs = now;
        link.wantsClaims = true;
        delete link.silentSinceMs;
      }
      this.#score(link, now);
      this.#fail(process, link, now);
      if (!link.isAsking) void this.#ask(process, link, heard, restarted);
    }
  }

  /** Another process says that it's here. */
  meet(process: string, incarnation: string, restarted: (process: string) => void): void {
    const link = this.#links.get(process);
    if (link === undefined) return;
    this.#hear(process, link, incarnation, restarted);
  }

  /** A message to the process that hosts `store`. */
  async send<T>(store: number, path: string, message: unknown, answer: z.ZodType<T>): Promise<Told<T>> {
    const process = this.processOf(store);
    if (process === undefined) return { kind: "refused" };
    return await tell(this.#agent, `http://${process}/simulator/${path}`, message, answer, 1_000);
  }

  async #ask(process: string, link: Link, heard: (claims: Claim[]) => void, restarted: (process: string) => void) {
    link.isAsking = true;
    const askedMs = Date.now();
    const message: z.infer<typeof PeerHeartbeat> = {
      process: this.#own,
      incarnation: this.incarnation,
      wantsClaims: link.wantsClaims,
    };
    const url = `http://${process}/simulator/peer`;
    const told = await tell(this.#agent, url, message, PeerHeartbeatTaken, Math.max(this.rhythmMs, 1_000));
    link.isAsking = false;
    if (told.kind === "answer") {
      if (link.wantsClaims) heard(told.body.claims);
      link.wantsClaims = false;
      this.#hear(process, link, told.body.incarnation, restarted);
    } else if (told.kind === "silent") {
      link.silentSinceMs ??= askedMs;
      link.wantsClaims = true;
    } else {
      // Refused isn't slow.
      delete link.silentSinceMs;
      link.wantsClaims = true;
    }
  }

  #hear(process: string, link: Link, incarnation: string, restarted: (process: string) => void): void {
    const store = this.#firstStoreOf(process);
    if (link.failedMs !== undefined && store !== undefined)
      this.#log("INFO", "raft_client.rs:933", "connection established", {
        try_count: 1,
        msg_count: 1,
        cost: goDuration(Date.now() - link.failedMs),
        addr: store.address,
        store_id: store.id,
      });
    if (link.incarnation !== undefined && link.incarnation !== incarnation) {
      link.wantsClaims = true;
      restarted(process);
    }
    link.incarnation = incarnation;
    link.heardMs = Date.now();
    delete link.silentSinceMs;
    delete link.failedMs;
  }

  /** Who stands for a process in the log. */
  #firstStoreOf(process: string): Entry | undefined {
    return this.#stores.find((entry) => entry.process === process);
  }

  #score(link: Link, now: number): void {
    // Below a second on a busy machine, silence says nothing.
    const silentMs =
      link.silentSinceMs === undefined ? 0 : Math.max(now - link.silentSinceMs - 1_000, 0) * this.#scale.factor;
    const reached = scores.findLast(([after]) => silentMs >= after - 1_000)?.[1] ?? 1;
    const isSilent = link.silentSinceMs !== undefined && now - link.silentSinceMs > 1_000;
    if (isSilent && reached > link.score) link.score = reached;
    else if (!isSilent) link.score = Math.max(1, link.score - (now - link.scoredMs) / this.#scale.wait(scoreFallsMs));
    link.scoredMs = now;
  }

  #fail(process: string, link: Link, now: number): void {
    const store = this.#firstStoreOf(process);
    if (now - link.heardMs < 2.5 * this.rhythmMs + 250 || store === undefined) return;
    if (link.failedMs === undefined) {
      link.failedMs = now;
      const reason = link.silentSinceMs === undefined ? "Connection reset by peer" : "keepalive watchdog timeout";
      const status = `RpcStatus { code: 14-UNAVAILABLE, message: "${reason}", details: [] }`;
      this.#log("WARN", "raft_client.rs:610", "connection aborted", {
        addr: store.address,
        receiver_err: `Some(RpcFailure(${status}))`,
        sink_error: `Some(RpcFinished(Some(${status})))`,
        store_id: store.id,
      });
      this.#log("INFO", "store.rs:3466", "broadcasting unreachable", {
        unreachable_store_id: store.id,
        store_id: this.#firstStoreOf(this.#own)?.id ?? 0,
      });
    } else if (now - link.failedMs > this.#scale.wait(reportFailureMs)) {
      link.failedMs = now;
      link.failures += 1;
      this.#log("WARN", "raft_client.rs:920", "wait connect timeout", { addr: store.address, store_id: store.id });
    }
  }
}

function fresh(): Omit<Link, "heardMs" | "scoredMs"> {
  return { wantsClaims: true, isAsking: false, score: 1, failures: 0 };
}

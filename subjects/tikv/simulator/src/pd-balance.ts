import type { Cluster, Region, Store } from "./pd-cluster.ts";
import type { Operators } from "./pd-operators.ts";
import type { Schedulers } from "./pd-schedulers.ts";
import { type Counts, countsOf, isLowSpace, leaderScore, noCounts } from "./pd-store-answer.ts";
import type { Step } from "./wire.ts";

const slowScoreEvicts = 100;
const evictBatch = 3;
/** Balancing is slow: after an eviction ends, leaders come back over half a minute. */
const balanceLeaderMs = 4_000;
const balanceRegionMs = 4_000;
/** Differences that aren't worth a move. */
const toleratedLeaders = 2;
const toleratedRegions = 2;

/** What the schedulers and checkers do on their own. `tick` as often as is cheap: each has its own rhythm. */
export class Balance {
  readonly #cluster: Cluster;
  readonly #operators: Operators;
  readonly #schedulers: Schedulers;
  #leaderAtMs = 0;
  #regionAtMs = 0;
  /** Store → when it may be given another peer, by its add-peer limit. */
  readonly #nextPeerMs = new Map<number, number>();

  constructor(cluster: Cluster, operators: Operators, schedulers: Schedulers) {
    this.#cluster = cluster;
    this.#operators = operators;
    this.#schedulers = schedulers;
  }

  async tick(): Promise<void> {
    const now = Date.now();
    const { scale } = this.#cluster;
    const evicted = this.evicted;
    for (const [store, scheduler] of evicted) this.#evict(store, scheduler);
    const isDue = {
      leader: now - this.#leaderAtMs > scale.wait(balanceLeaderMs),
      region: now - this.#regionAtMs > scale.wait(balanceRegionMs),
    };
    const gone = this.#gone();
    if (!isDue.leader && !isDue.region && gone.length === 0) return;
    if (!this.#schedulers.isStarted || this.#cluster.reportedRatio < 0.9) return;
    const counts = countsOf(this.#cluster);
    if (isDue.leader) {
      this.#leaderAtMs = now;
      if (this.#schedulers.runs("balance-leader-scheduler")) this.#balanceLeaders(counts, evicted);
    }
    this.#removeExtra(gone);
    await this.#replaceGone(gone, counts);
    if (isDue.region) {
      this.#regionAtMs = now;
      if (this.#schedulers.runs("balance-region-scheduler")) await this.#balanceRegions(counts);
    }
  }

  /** Stores that are kept free of leaders, each with what does it. */
  get evicted(): Map<number, string> {
    const stores = [...this.#cluster.stores.values()].filter(({ meta }) => meta.state !== "Tombstone");
    const evicted = new Map<number, string>();
    const slow = stores.filter(({ stats }) => (stats?.slowScore ?? 0) >= slowScoreEvicts);
    // Of several at once PD spares all: it can't be each of them.
    if (slow.length === 1 && slow[0] !== undefined && this.#schedulers.runs("evict-slow-store-scheduler"))
      evicted.set(slow[0].meta.id, "evict-slow-store-scheduler");
    const stopping = stores.filter(({ stats }) => stats?.isStopping === true);
    if (stopping.length === 1 && stopping[0] !== undefined && this.#schedulers.runs("evict-stopping-store-scheduler"))
      evicted.set(stopping[0].meta.id, "evict-stopping-store-scheduler");
    if (this.#schedulers.runs("evict-leader-scheduler"))
      for (const id of this.#cluster.evicting) evicted.set(id, "evict-leader-scheduler");
    return evicted;
  }

  /** By the leader limit, which at 0 lets nothing happen, without a word. */
  #evict(store: number, scheduler: string): void {
    for (let made = 0; made < evictBatch && this.#hasRoom("leader", "leader-schedule-limit"); made++) {
      const region = [...this.#cluster.regions.values()].find(
        ({ meta, report }) => report?.claim.leader === store && !this.#operators.running.has(meta.id),
      );
      const targets = region === undefined ? [] : this.#leaderTargets(region, store);
      const target = targets[Math.floor(Math.random() * targets.length)];
      if (region === undefined || target === undefined) return;
      const brief = `evict leader: from store ${store} to one in [${targets.join(" ")}], or to ${target} (for compatibility)`;
      this.#operators.add({
        desc: scheduler,
        brief,
        kind: "leader",
        region,
        steps: [
          {
            kind: "transfer-leader",
            from: store,
            to: target,
          },
        ],
      });
    }
  }

  /** Voters on stores that PD thinks are well: also on one that died or stopped less than 20 s ago. */
  #leaderTargets(region: Region, from: number): number[] {
    const evicted = this.evicted;
    return region.meta.peers
      .filter(({ role, store }) => role === "Voter" && store !== from && !evicted.has(store))
      .map(({ store }) => store)
      .filter((id) => this.#isUp(this.#cluster.stores.get(id)) && !region.report?.pending.includes(id));
  }

  #balanceLeaders(counts: Map<number, Counts>, evicted: Map<number, string>): void {
    if (!this.#hasRoom("leader", "leader-schedule-limit")) return;
    const scored = [...this.#cluster.stores.values()]
      .filter((store) => this.#isUp(store) && !evicted.has(store.meta.id))
      .map((store) => ({ id: store.meta.id, score: leaderScore(store, counts.get(store.meta.id) ?? noCounts()) }))
      .sort((a, b) => b.score - a.score);
    const from = scored[0];
    const to = scored.at(-1);
    if (from === undefined || to === undefined || from.score - to.score <= toleratedLeaders) return;
    const region = [...this.#cluster.regions.values()].find(
      ({ meta, report }) =>
        report?.claim.leader === from.id &&
        !this.#operators.running.has(meta.id) &&
        meta.peers.some(({ store, role }) => store === to.id && role === "Voter") &&
        !report.pending.includes(to.id),
    );
    if (region === undefined) return;
    this.#operators.add({
      desc: "balance-leader-scheduler",
      kind: "leader",
      region,
      brief: `transfer leader: store ${from.id} to ${to.id}`,
      steps: [
        {
          kind: "transfer-leader",
          from: from.id,
          to: to.id,
        },
      ],
    });
  }

  /** Stores that leave, or have been down for longer than max-store-down-time. */
  #gone(): Store[] {
    return [...this.#cluster.stores.values()].filter(
      (store) => store.lastHeartbeatMs > 0 && ["Offline", "Down"].includes(this.#cluster.stateName(store)),
    );
  }

  /** Their peers are replaced. */
  async #replaceGone(gone: Store[], counts: Map<number, Counts>): Promise<void> {
    for (const store of gone) {
      const state = this.#cluster.stateName(store);
      for (const region of this.#cluster.regions.values()) {
        if (!this.#hasRoom("replica", "replica-schedule-limit")) return;
        if (this.#operators.running.has(region.meta.id)) continue;
        if (!region.meta.peers.some((peer) => peer.store === store.meta.id)) continue;
        const to = this.#placeFor(region, counts);
        if (to === undefined) return;
        const isLeader = region.report?.claim.leader === store.meta.id;
        const desc = `replace-rule-${state.toLowerCase()}-${isLeader ? "leader-" : ""}peer`;
        await this.#move(region, store.meta.id, to, { desc, kind: "replica,region" });
      }
    }
  }

  /** A peer too many, as a move leaves it that was cancelled halfway: one on a store that leaves, or a learner, or any that doesn't lead. */
  #removeExtra(gone: Store[]): void {
    const leaving = new Set(gone.map(({ meta }) => meta.id));
    for (const region of this.#cluster.regions.values()) {
      const { meta, report } = region;
      if (meta.peers.length <= this.#cluster.maxReplicas || report === undefined) continue;
      if (this.#operators.running.has(meta.id)) continue;
      if (!this.#hasRoom("region", "region-schedule-limit")) return;
      const spare = meta.peers.filter(({ store }) => store !== report.claim.leader);
      const extra =
        spare.find(({ store }) => leaving.has(store)) ?? spare.find(({ role }) => role === "Learner") ?? spare.at(-1);
      if (extra === undefined) continue;
      this.#operators.add({
        desc: "remove-orphan-peer",
        kind: "region",
        region,
        brief: `rm peer: store [${extra.store}]`,
        steps: [{ kind: "remove-peer", store: extra.store }],
      });
    }
  }

  async #balanceRegions(counts: Map<number, Counts>): Promise<void> {
    if (!this.#hasRoom("region", "region-schedule-limit")) return;
    const sorted = [...this.#cluster.stores.values()]
      .filter((store) => this.#isUp(store))
      .map((store) => ({ id: store.meta.id, regions: counts.get(store.meta.id)?.regions ?? 0 }))
      .sort((a, b) => b.regions - a.regions);
    const [from] = sorted;
    if (from === undefined) return;
    for (const region of this.#cluster.regions.values()) {
      if (this.#operators.running.has(region.meta.id) || !region.meta.peers.some(({ store }) => store === from.id))
        continue;
      const to = this.#placeFor(region, counts);
      if (to === undefined || from.regions - (counts.get(to)?.regions ?? 0) <= toleratedRegions) continue;
      await this.#move(region, from.id, to, { desc: "balance-region-scheduler", kind: "region" });
      return;
    }
  }

  /** The emptiest store that may take a peer of the region now. */
  #placeFor(region: Region, counts: Map<number, Counts>): number | undefined {
    const now = Date.now();
    return [...this.#cluster.stores.values()]
      .filter((store) => this.#isUp(store) && !region.meta.peers.some((peer) => peer.store === store.meta.id))
      .filter((store) => !isLowSpace(this.#cluster, store, counts.get(store.meta.id) ?? noCounts()))
      .filter((store) => (this.#nextPeerMs.get(store.meta.id) ?? 0) <= now)
      .sort((a, b) => (counts.get(a.meta.id)?.regions ?? 0) - (counts.get(b.meta.id)?.regions ?? 0))[0]?.meta.id;
  }

  async #move(region: Region, from: number, to: number, about: { desc: string; kind: string }): Promise<void> {
    const perMinute = this.#cluster.stores.get(to)?.meta.addPeerPerMinute ?? 15;
    this.#nextPeerMs.set(to, Date.now() + this.#cluster.scale.wait(60_000 / perMinute));
    const peer = { id: await this.#cluster.allocate(), store: to, role: "Learner" as const };
    const staying = region.meta.peers.find(({ store }) => store !== from)?.store;
    const handsOver: Step[] =
      region.report?.claim.leader === from && staying !== undefined
        ? [{ kind: "transfer-leader", from, to: staying }]
        : [];
    this.#operators.add({
      ...about,
      region,
      brief: `mv peer: store [${from}] to [${to}]`,
      steps: [
        {
          kind: "add-learner",
          peer,
        },
        {
          kind: "promote-learner",
          peer: {
            ...peer,
            role: "Voter",
          },
        },
        ...handsOver,
        {
          kind: "remove-peer",
          store: from,
        },
      ],
    });
  }

  #hasRoom(kind: string, limit: string): boolean {
    return this.#operators.countOf(kind) < this.#cluster.limit(limit);
  }

  #isUp(store: Store | undefined): boolean {
    return store !== undefined && this.#cluster.stateName(store) === "Up" && store.lastHeartbeatMs > 0;
  }
}

import type { Log } from "./log.ts";
import type { Links } from "./tikv-links.ts";
import { claimOf, majorityOf, noFlow, type Peer, votersOf } from "./tikv-peer.ts";
import { peerIdOn, RaftLog, regionText } from "./tikv-raft-log.ts";
import { between, type TimeScale } from "./time-scale.ts";
import { type Claim, Done, Nothing, type RegionMeta, type Step, Votes } from "./wire.ts";

const electionMs = { min: 10_000, max: 20_000 };

interface RaftOptions {
  storeId: number;
  links: Links;
  scale: TimeScale;
  log: Log;
  /** A disk that is full takes no leaders. */
  isDiskFull: () => boolean;
  /** Peers changed: keep them. */
  changed: () => void;
  /** Delivers to another store of this same process; undefined when it isn't here. */
  neighbour: (storeId: number) => Raft | undefined;
}

/**
 * The replicas of one store, and who leads them. Simplified Raft: no log, but terms, votes of a majority, an election 10 to
 * 20 s after the leader fell silent, and a leader that steps down when it hears no majority.
 */
export class Raft {
  readonly peers = new Map<number, Peer>();
  readonly #options: RaftOptions;
  readonly #say: RaftLog;

  constructor(options: RaftOptions) {
    this.#options = options;
    this.#say = new RaftLog(options.storeId, options.log);
  }

  get storeId(): number {
    return this.#options.storeId;
  }

  get led(): Peer[] {
    return [...this.peers.values()].filter(({ leader }) => leader === this.storeId);
  }

  /** Once a second of a real cluster's time: leaders that hear no majority give up, peers without a leader stand for election. */
  tick(now: number): void {
    const { links } = this.#options;
    for (const peer of this.peers.values()) {
      if (peer.leader === this.storeId) {
        this.#checkQuorum(peer, now);
        for (const store of peer.pending) if (links.isReachable(store)) this.#caughtUp(peer, store);
        continue;
      }
      const heardMs = peer.leader === undefined ? 0 : links.heardMs(peer.leader);
      if (peer.leader !== undefined && links.isReachable(peer.leader)) peer.electAtMs = heardMs + this.#electionMs();
      else if (now >= peer.electAtMs) void this.#stand(peer, now);
    }
  }

  /** A process began anew: whatever it led, it leads no longer. */
  restarted(isThere: (store: number) => boolean): void {
    for (const peer of this.peers.values())
      if (peer.leader !== undefined && peer.leader !== this.storeId && isThere(peer.leader)) delete peer.leader;
  }

  /** Somebody leads a region that may be kept here. */
  take(claim: Claim): void {
    const known = this.peers.get(claim.region.id);
    const isKept = claim.region.peers.some(({ store }) => store === this.storeId);
    if (known !== undefined && claim.term < known.term) return;
    // A hand-over and an election may come to one term at once. Everybody keeps to the same of the two, or each would take the
    // other for the leader, and nobody would stand again.
    if (known?.leader !== undefined && claim.term === known.term && claim.leader < known.leader) return;
    if (!isKept) {
      if (known !== undefined && claim.region.confVer >= known.region.confVer) this.#drop(claim.region.id);
      return;
    }
    const region = known !== undefined && isNewer(known.region, claim.region) ? known.region : claim.region;
    const isSame = known?.leader === claim.leader && known.term === claim.term && known.region === region;
    const peer: Peer = known ?? { ...this.#newPeer(claim), region };
    peer.region = region;
    peer.term = claim.term;
    peer.leader = claim.leader;
    peer.electAtMs = Date.now() + this.#electionMs();
    if (known === undefined || claim.leader !== this.storeId)
      Object.assign(peer, { sizeBytes: claim.sizeBytes, keys: claim.keys });
    this.peers.set(claim.region.id, peer);
    if (claim.leader === this.storeId && !isSame) peer.isChanged = true;
    if (!isSame) this.#options.changed();
  }

  /** Whether this store's peer votes for the candidate. */
  vote(regionId: number, term: number, candidate: number): boolean {
    const peer = this.peers.get(regionId);
    if (peer === undefined || term <= peer.term) return false;
    const leader = peer.leader === candidate ? undefined : peer.leader;
    const isWell =
      leader !== undefined && Date.now() - this.#options.links.heardMs(leader) < this.#options.scale.wait(8_000, 300);
    if (isWell) return false;
    peer.term = term;
    delete peer.leader;
    peer.electAtMs = Date.now() + this.#electionMs();
    return true;
  }

  /** The leader hands over to this store. */
  receive(claim: Claim): string | undefined {
    const peer = this.peers.get(claim.region.id);
    if (this.#options.isDiskFull()) {
      this.#say.line("peer.rs:4888", "reject transferring leader", {
        wait_data: "false",
        is_learner: "false",
        is_witness: "false",
        disk_usage: "AlreadyFull",
        pending_snapshot: "false",
        from: peerIdOn(claim.region, peer?.leader),
        peer_id: peerIdOn(claim.region, this.storeId),
        region_id: claim.region.id,
      });
      return "disk full";
    }
    if (peer === undefined || claim.term <= peer.term) return "stale";
    const from = peerIdOn(claim.region, peer.leader);
    this.#say.ofRaft(
      "raft.rs:2400",
      `[term ${peer.term}] received MsgTimeoutNow from ${from} and starts an election to get leadership.`,
      claim.region,
      { from, term: peer.term },
    );
    // Word of its last change may have been lost; PD passes over who leads an older shape of it.
    if (isNewer(claim.region, peer.region)) peer.region = claim.region;
    this.#lead(peer, claim.term);
    return undefined;
  }

  /** What PD asks of a region that this store leads; a text when it can't be done. */
  async carryOut(regionId: number, step: Step): Promise<string | undefined> {
    const peer = this.peers.get(regionId);
    if (peer === undefined || peer.leader !== this.storeId) return "not leader";
    const { region } = peer;
    switch (step.kind) {
      case "transfer-leader":
        return await this.#handOver(peer, step.to);
      case "add-learner":
        if (region.peers.some(({ store }) => store === step.peer.store)) return undefined;
        return this.#reshape(peer, { ...region, confVer: region.confVer + 1, peers: [...region.peers, step.peer] });
      case "promote-learner": {
        const peers = region.peers.map((known) =>
          known.store === step.peer.store ? { ...known, role: "Voter" as const } : known,
        );
        return this.#reshape(peer, { ...region, confVer: region.confVer + 1, peers });
      }
      case "remove-peer": {
        if (step.store === this.storeId) return "a leader isn't removed";
        const peers = region.peers.filter(({ store }) => store !== step.store);
        peer.pending.delete(step.store);
        return this.#reshape(peer, { ...region, confVer: region.confVer + 1, peers }, [step.store]);
      }
      case "split":
        break;
    }
    return this.#split(peer, step);
  }

  async #handOver(peer: Peer, to: number): Promise<string | undefined> {
    const { links } = this.#options;
    const target = peer.region.peers.find(({ store }) => store === to);
    if (target?.role !== "Voter" || !links.isReachable(to)) return "unreachable";
    this.#say.line("pd.rs:2008", "try to transfer leader", {
      to_peers: "[]",
      to_peer: `id: ${target.id} store_id: ${to}`,
      from_peer: `id: ${peerIdOn(peer.region, this.storeId)} store_id: ${this.storeId}`,
      region_id: peer.region.id,
    });
    const claim = { ...claimOf(peer, to), term: peer.term + 1 };
    const near = this.#options.neighbour(to);
    if (near !== undefined) return near.receive(claim);
    const told = await links.send(to, "hand-over", { claim }, Done);
    if (told.kind !== "answer" || !told.body.isDone) return told.kind === "answer" ? told.body.reason : told.kind;
    this.take(claim);
    return undefined;
  }

  #split(peer: Peer, { key, region: id, peers }: Extract<Step, { kind: "split" }>): string | undefined {
    const { region } = peer;
    if (key <= region.startKey || (region.endKey !== "" && key >= region.endKey)) return "key out of range";
    const version = region.version + 1;
    const made = region.peers.map((known, at) => ({ ...known, id: peers[at] ?? known.id }));
    this.#say.line("apply.rs:2675", "split region", {
      keys: `1 keys range from ${key} to ${key}`,
      region: regionText(region),
      peer_id: peerIdOn(region, this.storeId),
      region_id: region.id,
    });
    const half = { sizeBytes: peer.sizeBytes / 2, keys: peer.keys / 2 };
    Object.assign(peer, half);
    const left: Claim = {
      region: {
        ...region,
        id,
        endKey: key,
        version,
        peers: made,
      },
      term: peer.term,
      leader: this.storeId,
      ...half,
    };
    this.take(left);
    this.#tellPeers(left);
    return this.#reshape(peer, { ...region, startKey: key, version });
  }

  #reshape(peer: Peer, region: RegionMeta, also: number[] = []): undefined {
    peer.region = region;
    peer.isChanged = true;
    this.#options.changed();
    this.#tellPeers(claimOf(peer, this.storeId), also);
  }

  /** Of a majority nothing was heard for an election's time: then it can't know that it still leads. */
  #checkQuorum(peer: Peer, now: number): void {
    const voters = votersOf(peer.region);
    const heard = voters.filter((store) => store === this.storeId || this.#options.links.isReachable(store));
    if (heard.length >= majorityOf(peer.region)) {
      peer.electAtMs = now + this.#electionMs();
      return;
    }
    if (now < peer.electAtMs) return;
    delete peer.leader;
    peer.electAtMs = now + this.#electionMs();
    this.#say.ofRaft("raft.rs:1162", `became follower at term ${peer.term}`, peer.region, {
      from_role: "Leader",
      term: peer.term,
    });
  }

  async #stand(peer: Peer, now: number): Promise<void> {
    const { links } = this.#options;
    const { region } = peer;
    peer.electAtMs = now + this.#electionMs();
    const voters = votersOf(region);
    if (!voters.includes(this.storeId)) return;
    delete peer.leader;
    const term = peer.term + 1;
    this.#say.ofRaft("raft.rs:1569", "starting a new election", region, { term: peer.term });
    this.#say.ofRaft("raft.rs:1213", `became pre-candidate at term ${peer.term}`, region, { term: peer.term });
    const others = voters.filter((store) => store !== this.storeId);
    const asked = others.map(async (store): Promise<number> => {
      const near = this.#options.neighbour(store);
      if (near !== undefined) return near.vote(region.id, term, this.storeId) ? 1 : 0;
      if (!links.isReachable(store)) return 0;
      const request = { region: region.id, term, candidate: this.storeId, voters: [store] };
      const told = await links.send(store, "vote", request, Votes);
      return told.kind === "answer" ? told.body.granted.length : 0;
    });
    const granted = (await Promise.all(asked)).reduce((sum, votes) => sum + votes, 1);
    if (granted < majorityOf(region) || peer.term >= term || peer.leader !== undefined) return;
    this.#say.ofRaft("raft.rs:1187", `became candidate at term ${term}`, region, { term });
    this.#lead(peer, term);
  }

  #lead(peer: Peer, term: number): void {
    const { links } = this.#options;
    peer.term = term;
    peer.leader = this.storeId;
    peer.electAtMs = Date.now() + this.#electionMs();
    peer.flow = noFlow();
    peer.reportedAtMs = Date.now();
    peer.pending = new Set(peer.region.peers.map(({ store }) => store).filter((store) => !links.isReachable(store)));
    peer.isChanged = true;
    this.#say.ofRaft("raft.rs:1271", `became leader at term ${term}`, peer.region, { term });
    this.#options.changed();
    this.#tellPeers(claimOf(peer, this.storeId));
  }

  #tellPeers(claim: Claim, also: number[] = []): void {
    const stores = [...claim.region.peers.map(({ store }) => store), ...also].filter((store) => store !== this.storeId);
    for (const store of stores) {
      const near = this.#options.neighbour(store);
      if (near !== undefined) near.take(claim);
      else void this.#options.links.send(store, "claims", { claims: [claim] }, Nothing);
    }
  }

  #caughtUp(peer: Peer, store: number): void {
    peer.pending.delete(store);
    peer.isChanged = true;
  }

  #drop(regionId: number): void {
    this.peers.delete(regionId);
    this.#options.changed();
  }

  #newPeer({ region, term, leader, sizeBytes, keys }: Claim): Peer {
    const pending = new Set<number>();
    return {
      region,
      term,
      leader,
      electAtMs: 0,
      pending,
      sizeBytes,
      keys,
      flow: noFlow(),
      reportedAtMs: 0,
      isChanged: false,
    };
  }

  #electionMs(): number {
    return this.#options.scale.wait(between(electionMs.min, electionMs.max));
  }
}

function isNewer(a: RegionMeta, b: RegionMeta): boolean {
  return a.confVer > b.confVer || a.version > b.version;
}

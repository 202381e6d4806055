import { z } from "zod";
import { createAgent, tell } from "./ask.ts";
import { decodeJson } from "./exact-json.ts";
import { goDuration } from "./go-text.ts";
import type { Log } from "./log.ts";
import { memberIdOf, PdMember } from "./pd-member.ts";
import type { Change } from "./quorum-log.ts";
import { type LeaderChange, Quorum, type QuorumOptions } from "./quorum.ts";
import { json, type Routes } from "./server.ts";
import { between, type TimeScale } from "./time-scale.ts";

/**
 * How long nobody serves after PD's leader fell silent: etcd elects in 3 to 5 s, and renews the old leader's lease (5 s)
 * as it does, so 11.2 to 13.5 s in all were measured.
 */
const outageMs = { min: 11_000, max: 13_300 };
const lease = 5_000;
/** A paused leader goes on serving for so long after it wakes, by what it knew. */
const wakesMs = 500;

interface LeadershipOptions {
  member: PdMember;
  quorum: Omit<QuorumOptions, "changed">;
  scale: TimeScale;
  log: Log;
  /** This member serves from now on, or no longer. */
  serves: () => void;
  rests: () => void;
}

/** Which member answers PD's API: one at a time, on etcd's leader, once the lease of the one before has passed. */
export class Leadership {
  isServing = false;
  readonly quorum: Quorum;
  readonly #options: LeadershipOptions;
  readonly #agent = createAgent();
  #campaign: NodeJS.Timeout | undefined;
  #tickedMs = Date.now();
  #sleptUntilMs = 0;
  #introducedMs = 0;
  /** In which the last leader that this member knew was elected. */
  #ledTerm = 0;
  #isCampaigning = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.quorum = new Quorum({ ...options.quorum, changed: (change) => this.#changed(change) });
    setInterval(() => this.#tick(), 100);
  }

  /** Whom every member believes to serve, alive or not. */
  get leader(): PdMember | undefined {
    const name = this.#keys.get("leader");
    return typeof name === "string" ? this.member(name) : undefined;
  }

  member(name: string): PdMember | undefined {
    return PdMember.safeParse(this.#keys.get(`member/${name}`)).data;
  }

  get members(): PdMember[] {
    return [...this.#options.quorum.peers.keys()].flatMap((name) => this.member(name) ?? []);
  }

  /** Throws when no majority takes it. */
  async write(changes: Change[]): Promise<void> {
    await this.quorum.write(changes);
  }

  /**
   * Gives the leadership to `wanted`, or to any member; false when there's none that could take it. This member serves until it
   * hears of the next leader: one that has died meanwhile takes nothing over, and leaves nobody without a leader.
   */
  async resign(wanted?: string): Promise<boolean> {
    const successor = this.quorum.successor(wanted);
    return successor !== undefined && (await this.quorum.handOver(successor));
  }

  get #keys(): ReadonlyMap<string, unknown> {
    return this.#options.quorum.log.keys;
  }

  #changed({ leader, before, isHandedOver }: LeaderChange): void {
    const { log, member, scale } = this.#options;
    if (before !== undefined) this.#sayOfEtcd(`lost leader ${this.#hexIdOf(before)} at term ${this.#ledTerm}`);
    if (leader !== undefined) this.#sayOfEtcd(`elected leader ${this.#hexIdOf(leader)} at term ${this.quorum.term}`);
    this.#ledTerm = this.quorum.term;
    clearTimeout(this.#campaign);
    if (leader !== member.name) {
      if (this.isServing)
        log("INFO", "server.go:2142", "etcd leader changed, resigns pd leadership", {
          "old-pd-leader-name": member.name,
        });
      this.#rest();
      return;
    }
    const holder = this.#keys.get("leader");
    // Who hands over rests as soon as it hears of its successor, which needn't wait for its lease then.
    const isFree = holder === undefined || holder === member.name || isHandedOver;
    const fromMs = this.#heardOfLeaderMs;
    const waitMs = isFree ? 0 : fromMs + scale.wait(between(outageMs.min, outageMs.max)) - Date.now();
    this.#campaign = setTimeout(() => void this.#serve(), Math.max(waitMs, 0));
  }

  #sayOfEtcd(what: string): void {
    const { log, member } = this.#options;
    log("INFO", ["raft", "zap_raft.go:77"], `raft.node: ${this.#hexIdOf(member.name)} ${what}`);
  }

  /** As etcd writes a member's id. */
  #hexIdOf(name: string): string {
    return BigInt(memberIdOf(name, this.#options.quorum.peers.get(name) ?? "")).toString(16);
  }

  /** The etcd leader's own clock starts with its election, so it remembers when the one before was last heard. */
  #heardOfLeaderMs = 0;

  async #serve(): Promise<void> {
    if (this.#isCampaigning) return;
    this.#isCampaigning = true;
    await this.#takeOver();
    this.#isCampaigning = false;
  }

  async #takeOver(): Promise<void> {
    const { log, member, serves } = this.#options;
    const campaignsMs = performance.now();
    log("INFO", "server.go:2012", "start to campaign PD leader", { "campaign-leader-name": member.name });
    try {
      await this.quorum.write([
        { key: "leader", value: member.name },
        { key: `member/${member.name}`, value: member },
        ...(this.#keys.has("cluster-id") ? [] : [{ key: "cluster-id", value: drawClusterId() }]),
      ]);
    } catch {
      // Somebody else leads by now, and campaigns.
      return;
    }
    if (!this.quorum.isLeader || this.isServing) return;
    this.isServing = true;
    const servesMs = performance.now();
    serves();
    log("INFO", "server.go:2117", "PD leader is ready to serve", {
      "leader-name": member.name,
      "total-cost": goDuration(performance.now() - campaignsMs),
      cost: goDuration(performance.now() - servesMs),
    });
  }

  #rest(): void {
    if (!this.isServing) return;
    this.isServing = false;
    this.#options.rests();
  }

  #tick(): void {
    const now = Date.now();
    if (now - this.#tickedMs > 2_000) this.#sleptUntilMs = now + wakesMs;
    this.#tickedMs = now;
    if (!this.quorum.isLeader) this.#heardOfLeaderMs = this.quorum.heardMs;
    this.#introduce(now);
    const isExpired = now - this.quorum.heardMs > this.#options.scale.wait(lease, 2_000);
    if (this.isServing && isExpired && now > this.#sleptUntilMs) this.#rest();
    // Its majority came back before it was voted out.
    if (this.quorum.isLeader && !this.isServing && !isExpired && this.#keys.get("leader") === this.#options.member.name)
      void this.#serve();
  }

  /** A member that others don't know yet tells the leader of itself. */
  #introduce(now: number): void {
    const { member, quorum } = this.#options;
    const url = quorum.peers.get(this.quorum.leader ?? "");
    if (this.quorum.isLeader || url === undefined || now - this.#introducedMs < 200) return;
    if (JSON.stringify(this.member(member.name)) === JSON.stringify(member)) return;
    this.#introducedMs = now;
    void tell(this.#agent, `${url}/simulator/member`, member, z.looseObject({}), 1_000);
  }

  /** What the other members ask, on the peer URL. */
  get routes(): Routes {
    return {
      ...this.quorum.routes,
      "POST /simulator/member": async (asked) => {
        const member = PdMember.parse(decodeJson(asked.body));
        if (this.quorum.isLeader) await this.quorum.write([{ key: `member/${member.name}`, value: member }]);
        return json({});
      },
    };
  }
}

/** As PD draws it: the seconds since 1970 in the upper half, so past what a JS number holds. */
function drawClusterId(): string {
  return String((BigInt(Math.floor(Date.now() / 1_000)) << 32n) + BigInt(Math.floor(Math.random() * 2 ** 32)));
}

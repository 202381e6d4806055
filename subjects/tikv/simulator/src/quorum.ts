import { z } from "zod";
import { createAgent, tell } from "./ask.ts";
import { type Change, Change as ChangeSchema, isAtLeast, isSame, Position, type QuorumLog } from "./quorum-log.ts";
import { json, type Asked, type Routes } from "./server.ts";
import { decodeJson } from "./exact-json.ts";
import { between, type TimeScale } from "./time-scale.ts";

const Vote = z.object({ term: z.int(), candidate: z.string(), position: Position, isTrial: z.boolean() });
const Voted = z.object({ term: z.int(), isGranted: z.boolean() });
const Append = z.object({
  term: z.int(),
  leader: z.string(),
  from: Position,
  to: Position,
  changes: z.array(ChangeSchema).optional(),
  keys: z.record(z.string(), z.unknown()).optional(),
});
const Appended = z.object({ term: z.int(), isTaken: z.boolean(), position: Position });

/** The leader, as a member sees it, isn't who it was. */
export interface LeaderChange {
  leader: string | undefined;
  before: string | undefined;
  /** This member leads because the one before told it to. */
  isHandedOver: boolean;
}

/** Who takes part, and who hears of a change of leader. */
export interface QuorumOptions {
  name: string;
  /** Peer URLs by name, this member's own among them. */
  peers: ReadonlyMap<string, string>;
  log: QuorumLog;
  scale: TimeScale;
  changed: (change: LeaderChange) => void;
}

/** How long a member that was paused goes on by what it knew, measured on a real one. */
const pausedMs = 500;

/**
 * Election and replication among PD's members, as etcd does in a real one (Raft: terms, trial votes, a majority for every
 * write), with a follower's missing changes or all keys in place of a log's entries.
 */
export class Quorum {
  leader: string | undefined;
  /** Since its process began, it has known a leader once. */
  hasJoined = false;
  readonly #options: QuorumOptions;
  readonly #agent = createAgent();
  readonly #others: [name: string, url: string][];
  /** Follower → when it last answered this leader, and how far it is. */
  readonly #acknowledged = new Map<string, { atMs: number; position: Position }>();
  #heardMs = 0;
  #electAtMs = 0;
  #tickedMs = Date.now();
  #deafUntilMs = 0;
  #isElecting = false;
  #waiting: { position: Position; resolve: () => void; reject: (error: Error) => void }[] = [];
  #sending = new Set<string>();

  constructor(options: QuorumOptions) {
    this.#options = options;
    this.#others = [...options.peers].filter(([name]) => name !== options.name);
    this.#postpone();
    setInterval(() => this.#tick(), this.#rhythmMs);
  }

  get isLeader(): boolean {
    return this.leader === this.#options.name;
  }

  get term(): number {
    return this.#options.log.ballot.term;
  }

  /** A leader that was heard of (or, being it, a majority that answers) within an election's time. */
  get hasLeader(): boolean {
    return this.leader !== undefined && Date.now() - this.heardMs < this.#silenceMs.max;
  }

  /** When a leader was last heard of; of the leader itself: when a majority last answered it. */
  get heardMs(): number {
    if (!this.isLeader) return this.#heardMs;
    const times = [Date.now(), ...this.#others.map(([name]) => this.#acknowledged.get(name)?.atMs ?? 0)];
    return times.sort((a, b) => b - a)[this.#majority - 1] ?? 0;
  }

  /** Resolves once a majority has it. Throws when this member isn't the leader, or stops being it meanwhile. */
  async write(changes: Change[]): Promise<void> {
    if (!this.isLeader) throw new Error(`${this.#options.name} isn't etcd's leader`);
    this.#options.log.append(this.term, changes);
    if (this.#majority === 1) return;
    const { position } = this.#options.log;
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ position, resolve, reject }));
    this.#sendAll();
    return await written;
  }

  /** Asks `name` to take over at once. Whether it could be told. */
  async handOver(name: string): Promise<boolean> {
    const url = this.#options.peers.get(name);
    if (url === undefined) return false;
    const told = await tell(this.#agent, `${url}/simulator/take-over`, {}, z.looseObject({}), 1_000);
    return told.kind === "answer";
  }

  /** Another member that answered lately and has everything, by name. */
  successor(wanted?: string): string | undefined {
    const ready = this.#others
      .map(([name]) => name)
      .filter((name) => (wanted === undefined || wanted === name) && this.#isUpToDate(name));
    return ready[Math.floor(Math.random() * ready.length)];
  }

  /** What the other members ask, on the peer URL. */
  readonly routes: Routes = {
    "POST /simulator/vote": (asked) => json(this.#vote(Vote.parse(decodeJson(asked.body)))),
    "POST /simulator/append": (asked: Asked) => json(this.#append(Append.parse(decodeJson(asked.body)))),
    "POST /simulator/take-over": () => {
      void this.#elect("told to");
      return json({});
    },
  };

  get #majority(): number {
    return Math.floor(this.#options.peers.size / 2) + 1;
  }

  get #rhythmMs(): number {
    return this.#options.scale.wait(500, 60);
  }

  /** etcd's election time-out of 3 s, drawn anew each time, as it was measured; never so short that a busy machine looks dead. */
  get #silenceMs(): { min: number; max: number } {
    return { min: this.#options.scale.wait(2_600, 1_200), max: this.#options.scale.wait(5_300, 2_400) };
  }

  #isUpToDate(name: string): boolean {
    const seen = this.#acknowledged.get(name);
    return (
      seen !== undefined &&
      Date.now() - seen.atMs < 3 * this.#rhythmMs + 500 &&
      isSame(seen.position, this.#options.log.position)
    );
  }

  #tick(): void {
    const now = Date.now();
    if (now - this.#tickedMs > 2_000 + 2 * this.#rhythmMs) this.#deafUntilMs = now + pausedMs;
    this.#tickedMs = now;
    if (now < this.#deafUntilMs) return;
    if (this.isLeader) {
      if (now - this.heardMs > this.#silenceMs.max) this.#follow(undefined);
      else this.#sendAll();
    } else if (now >= this.#electAtMs) void this.#elect("silence");
  }

  #follow(leader: string | undefined, isHandedOver = false): void {
    const before = this.leader;
    this.leader = leader;
    this.hasJoined ||= leader !== undefined;
    if (before === leader) return;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("etcdserver: leader changed"));
    this.#options.changed({ leader, before, isHandedOver });
  }

  #postpone(): void {
    // At its start a member has lost nobody yet: it needn't wait as long as for a leader that fell silent.
    const waitMs = this.#heardMs === 0 ? between(150, 600) : between(this.#silenceMs.min, this.#silenceMs.max);
    this.#electAtMs = Date.now() + waitMs;
  }

  async #elect(why: "silence" | "told to"): Promise<void> {
    if (this.#isElecting || this.isLeader) return;
    this.#isElecting = true;
    try {
      this.#postpone();
      // A trial first, so that a member that was only cut off doesn't unseat a leader that is well.
      if (why === "silence" && !(await this.#isElectedIn(this.term + 1, true))) {
        if (this.#heardMs < Date.now() - this.#silenceMs.max) this.#follow(undefined);
        return;
      }
      const { log, name } = this.#options;
      const term = this.term + 1;
      log.ballot = { term, votedFor: name };
      log.saveBallot();
      if (!(await this.#isElectedIn(term, false)) || this.term !== term) return;
      this.#acknowledged.clear();
      for (const [other] of this.#others)
        this.#acknowledged.set(other, { atMs: Date.now(), position: { term: -1, revision: -1 } });
      this.#follow(name, why === "told to");
      this.#sendAll();
    } finally {
      this.#isElecting = false;
    }
  }

  async #isElectedIn(term: number, isTrial: boolean): Promise<boolean> {
    const vote = { term, candidate: this.#options.name, position: this.#options.log.position, isTrial };
    let granted = 1;
    return await new Promise((resolve) => {
      if (granted >= this.#majority) resolve(true);
      const asked = this.#others.map(async ([, url]) => {
        const told = await tell(this.#agent, `${url}/simulator/vote`, vote, Voted, 1_500);
        if (told.kind !== "answer") return;
        if (told.body.term > term) this.#newTerm(told.body.term);
        else if (told.body.isGranted && ++granted >= this.#majority) resolve(true);
      });
      void Promise.all(asked).then(() => resolve(false));
    });
  }

  #newTerm(term: number): void {
    const { log } = this.#options;
    if (term <= log.ballot.term) return;
    log.ballot = { term };
    log.saveBallot();
    if (this.isLeader) this.#follow(undefined);
  }

  #vote(vote: z.infer<typeof Vote>): z.infer<typeof Voted> {
    const { log } = this.#options;
    if (Date.now() < this.#deafUntilMs) return { term: this.term, isGranted: false };
    const isBehind = vote.term < this.term || !isAtLeast(vote.position, log.position);
    if (vote.isTrial) {
      const isWell = this.leader !== undefined && Date.now() - this.heardMs < this.#silenceMs.min;
      return { term: this.term, isGranted: !isBehind && !isWell };
    }
    this.#newTerm(vote.term);
    const isGranted = !isBehind && (log.ballot.votedFor ?? vote.candidate) === vote.candidate;
    if (isGranted) {
      log.ballot = { term: vote.term, votedFor: vote.candidate };
      log.saveBallot();
      this.#postpone();
    }
    return { term: this.term, isGranted };
  }

  #sendAll(): void {
    for (const [name, url] of this.#others) void this.#send(name, url);
  }

  async #send(name: string, url: string): Promise<void> {
    if (this.#sending.has(name)) return;
    this.#sending.add(name);
    const { log } = this.#options;
    const { term } = this;
    const from = this.#acknowledged.get(name)?.position ?? { term: -1, revision: -1 };
    const changes = log.since(from);
    const to = log.position;
    const message = {
      term,
      leader: this.#options.name,
      from,
      to,
      ...(changes === undefined ? { keys: Object.fromEntries(log.keys) } : { changes }),
    };
    const told = await tell(this.#agent, `${url}/simulator/append`, message, Appended, 2_000);
    this.#sending.delete(name);
    if (told.kind !== "answer" || !this.isLeader || this.term !== term) return;
    if (Date.now() < this.#deafUntilMs) return;
    if (told.body.term > this.term) return this.#newTerm(told.body.term);
    this.#acknowledged.set(name, { atMs: Date.now(), position: told.body.position });
    this.#settle();
    if (!isSame(told.body.position, log.position)) void this.#send(name, url);
  }

  /** Writes that a majority has are done. */
  #settle(): void {
    const positions = [this.#options.log.position, ...this.#acknowledgedPositions()];
    const isWritten = (position: Position) =>
      positions.filter((has) => isAtLeast(has, position)).length >= this.#majority;
    this.#waiting = this.#waiting.filter((waiting) => {
      if (!isWritten(waiting.position)) return true;
      waiting.resolve();
      return false;
    });
  }

  #acknowledgedPositions(): Position[] {
    return [...this.#acknowledged.values()].map(({ position }) => position);
  }

  #append(append: z.infer<typeof Append>): z.infer<typeof Appended> {
    const { log } = this.#options;
    if (append.term < this.term || Date.now() < this.#deafUntilMs)
      return { term: this.term, isTaken: false, position: log.position };
    this.#newTerm(append.term);
    this.#heardMs = Date.now();
    this.#postpone();
    if (append.keys !== undefined) log.replace(append.to, append.keys);
    else if (isSame(append.from, log.position)) log.append(append.to.term, append.changes ?? []);
    else return this.#hear(append.leader, { term: this.term, isTaken: false, position: { term: -1, revision: -1 } });
    // A change keeps the term of its own time, the position that of the newest.
    log.position = append.to;
    return this.#hear(append.leader, { term: this.term, isTaken: true, position: log.position });
  }

  #hear(leader: string, answer: z.infer<typeof Appended>): z.infer<typeof Appended> {
    this.#follow(leader);
    return answer;
  }
}

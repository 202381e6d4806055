import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bucket } from "@operator/bus/bucket";
import { Bus } from "@operator/bus/bus";
import { answerQueries } from "@operator/bus/query";
import type { UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { InstanceName, SubjectName } from "@operator/contracts/names";
import { queries } from "@operator/contracts/query";
import { Snapshot } from "@operator/contracts/snapshot";
import { Ticket } from "@operator/contracts/ticket";
import { Violation, violationKeyOf } from "@operator/contracts/violation";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { Program } from "@operator/stack/program";
import { programDriver } from "@operator/stack/program-driver";
import { Supervisor } from "@operator/supervisor/server";
import type { z } from "zod";
import type { Place } from "./acting.fixture.ts";

const subject = SubjectName.parse("ratelimiter");
const main = join(import.meta.dirname, "main.ts");

/**
 * A real bus, real actuators, and a real supervisor over small real processes that count their starts. Observer, checker and
 * ticketer are played by the test with their credentials, so that it decides what they say and when.
 */
export class Staged implements Place {
  readonly folder: string;
  readonly nats: NatsServer;
  /** How slow a member's start is, in seconds, by target. */
  readonly slowS = new Map<string, number>();
  /** What the observer answers of a target, where it isn't whether its process runs. */
  readonly seen = new Map<string, "up" | "refused" | "unread">();
  readonly #members: Members["members"];
  readonly #kinds: Members["kinds"];
  readonly #actuators = new Map<string, Program>();
  readonly #buses = new Map<UserName, Bus>();
  readonly #supervisor: Supervisor;
  #observer = new AbortController();
  #n = 0;

  private constructor(folder: string, nats: NatsServer, supervisor: Supervisor, parts: Members) {
    this.folder = folder;
    this.nats = nats;
    this.#supervisor = supervisor;
    this.#members = parts.members;
    this.#kinds = parts.kinds;
  }

  static async start(): Promise<Staged> {
    const folder = mkdtempSync(join(tmpdir(), "operator-actuator-"));
    const nats = await startProvisionedNats();
    const parts: Members = { members: new Map(), kinds: new Map() };
    const supervisor = await Supervisor.start({
      driver: programDriver(parts.members, parts.kinds),
      folder: join(folder, "supervisor"),
    });
    const staged = new Staged(folder, nats, supervisor, parts);
    await staged.observe();
    return staged;
  }

  async connect(user: UserName): Promise<Bus> {
    const known = this.#buses.get(user);
    if (known) return known;
    const bus = await Bus.connect({
      servers: this.nats.url,
      user,
      password: this.nats.passwords[user],
      instance: InstanceName.parse(`test-${user}`),
    });
    this.#buses.set(user, bus);
    return bus;
  }

  async actuator(instance: string, environment: Record<string, string>): Promise<Program> {
    const program = await Program.start({
      name: instance,
      file: process.execPath,
      arguments: [main],
      environment: {
        OPERATOR_NATS_URL: this.nats.url,
        OPERATOR_NATS_PASSWORD: this.nats.passwords.actuator,
        OPERATOR_INSTANCE: instance,
        OPERATOR_SUPERVISOR_SOCKET: this.#supervisor.sockets.actuator,
        ...environment,
      },
      logFile: join(this.folder, `${instance}.log`),
      ready: { line: '"msg":"ready"' },
    });
    this.#actuators.set(instance, program);
    return program;
  }

  async stopActuators(): Promise<void> {
    for (const program of this.#actuators.values()) await program.stop();
  }

  member(target: string): Program {
    const program = this.#members.get(target);
    if (!program) throw new Error(`no member "${target}": there are ${[...this.#members.keys()].join(", ")}`);
    return program;
  }

  /** From now on the member's process ends as soon as it's started. */
  breakStart(target: string): void {
    const starts = this.#startsFile(target);
    rmSync(starts);
    mkdirSync(starts);
  }

  /** How often a member's process was started since it was broken. */
  startsOf(target: string): number {
    const file = this.#startsFile(target);
    return (existsSync(file) ? readFileSync(file, "utf8").length : 0) - 1;
  }

  #startsFile(target: string): string {
    return join(this.folder, `starts-${target}`);
  }

  /** A member that runs, is killed, and has a firing violation with evidence, and a ticket. */
  async broken(target: string): Promise<Ticket> {
    const slow = this.slowS.get(target) ?? 0;
    const starts = this.#startsFile(target);
    const program = await Program.start({
      name: target,
      file: "/bin/sh",
      // The first start is the test's own.
      arguments: [
        "-c",
        `[ -s "${starts}" ] && sleep ${slow}; printf x >> "${starts}" && echo started && exec sleep 3600`,
      ],
      environment: {},
      logFile: join(this.folder, `${target}.log`),
      ready: { line: "started" },
    });
    this.#members.set(target, program);
    this.#kinds.set(target, "node");
    const checker = await this.connect("checker");
    const [lastGood, firstBad] = [this.#snapshot(), await program.kill().then(() => this.#snapshot())];
    for (const kept of [lastGood, firstBad]) await checker.publish(flow.evidence, kept);
    const violation = await this.say(target, {
      state: "firing",
      asOf: firstBad.atMs,
      lastGood: referenceTo(lastGood),
      firstBad: referenceTo(firstBad),
    });
    const ticket = Ticket.parse({
      id: `${violationKeyOf(violation)}.1`,
      subject,
      invariant: violation.invariant,
      target,
      generation: 1,
      revision: 1,
      reasons: ["first-seen"],
      status: "open",
      severity: "critical",
      openedAtMs: firstBad.atMs,
      violation,
      occurrences: 1,
      diagnosis: "running",
      attempts: [],
      held: false,
      escalated: false,
      history: [],
      historyDropped: 0,
      sent: { revision: 1, attempt: 1 },
    });
    await (await this.#tickets()).create(violationKeyOf(violation), ticket);
    return ticket;
  }

  /** Changes a ticket as the ticketer would. */
  async change({ violation }: Ticket, changes: Partial<Ticket>): Promise<void> {
    await (await this.#tickets()).change(violationKeyOf(violation), (now) => now && { ...now, ...changes });
  }

  /** The checker's word about a member. */
  async say(target: string, given: Partial<z.input<typeof Violation>>): Promise<Violation> {
    const asOf = given.asOf ?? Date.now();
    const violation = Violation.parse({
      subject,
      invariant: "node_down",
      target,
      state: "firing",
      severity: "critical",
      asOf,
      sinceMs: asOf,
      changedAtMs: asOf,
      occurrences: 1,
      summary: `${target} is down`,
      detail: { kind: "unreachable", how: "refused", silentMs: 0 },
      explainedBy: [],
      mayBeExplained: false,
      comebacks: 0,
      ...given,
    });
    await (await this.connect("checker")).publish(flow.violation, violation);
    return violation;
  }

  /** Lets the observer answer again. */
  async observe(): Promise<void> {
    this.#observer = new AbortController();
    const answer = () => Promise.resolve(this.#snapshot());
    const observer = await this.connect("observer");
    answerQueries(observer, queries.state, subject, this.#observer.signal, answer);
    await observer.link.connection.flush();
  }

  /** Nobody answers for the subject any more. */
  async silenceObserver(): Promise<void> {
    this.#observer.abort();
    await (await this.connect("observer")).link.connection.flush();
  }

  /** What there is now, as the observer of the rate limiter would say it. */
  #snapshot(): Snapshot {
    this.#n += 1;
    const atMs = Math.max(this.#lastMs + 1, Date.now());
    this.#lastMs = atMs;
    const targets = [...this.#members.keys()];
    const probe = targets.flatMap((target) => {
      const state = this.seen.get(target) ?? (this.member(target).running ? "up" : "refused");
      if (state === "unread") return [];
      const code = state === "up" ? {} : { code: "ECONNREFUSED" };
      return [[target, { state, sinceMs: atMs, address: "127.0.0.1:1", ...code }] as const];
    });
    const cluster = { redisTimeMs: atMs, members: targets, nodes: {}, departed: {} };
    const report = (names: string[]) => ({
      rhythmMs: 1_000,
      targets: Object.fromEntries(names.map((name) => [name, { readAtMs: atMs }])),
    });
    return Snapshot.parse({
      subject,
      epoch: 1,
      n: this.#n,
      atMs,
      cause: "rhythm",
      sources: { probe: report(targets), registry: report(["cluster"]) },
      parts: { probe: Object.fromEntries(probe), registry: { cluster } },
    });
  }
  #lastMs = 0;

  async #tickets(): Promise<Bucket<Ticket>> {
    return await (await this.connect("ticketer")).bucket("tickets", Ticket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bus of this.#buses.values()) await bus.close();
    for (const program of this.#actuators.values()) await program.kill();
    await this.#supervisor.close();
    for (const program of this.#members.values()) await program.kill();
    await this.nats.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Members {
  members: Map<string, Program>;
  kinds: Map<string, string>;
}

function referenceTo({ atMs }: Snapshot) {
  return { address: `operator.evidence.${subject}.snapshot.${atMs}`, atMs, pointers: [] };
}

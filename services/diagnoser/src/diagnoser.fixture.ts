import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Channel, UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { InstanceName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { jobOf, snapshotAt, ticketOf, violationOf } from "@operator/evidence/case.fixture";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { Program } from "@operator/stack/program";

/** A real bus, the buses of the diagnoser's neighbours, and diagnosers as real processes. */
export class Office implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly #folder = mkdtempSync(join(tmpdir(), "operator-diagnoser-"));
  readonly #buses = new Map<UserName, Bus>();
  readonly #programs: Program[] = [];

  private constructor(nats: NatsServer) {
    this.nats = nats;
  }

  static async open(): Promise<Office> {
    return new Office(await startProvisionedNats());
  }

  async bus(user: UserName): Promise<Bus> {
    const known = this.#buses.get(user);
    if (known) return known;
    const password = this.nats.passwords[user];
    const instance = InstanceName.parse(`${user}-test`);
    const bus = await Bus.connect({ servers: this.nats.url, user, password, instance });
    this.#buses.set(user, bus);
    return bus;
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  async diagnoser(instance: string, environment: Record<string, string> = {}): Promise<Program> {
    const program = await Program.start({
      name: instance,
      file: process.execPath,
      arguments: [join(import.meta.dirname, "main.ts")],
      environment: {
        OPERATOR_NATS_URL: this.nats.url,
        OPERATOR_NATS_PASSWORD: this.nats.passwords.diagnoser,
        OPERATOR_INSTANCE: instance,
        ...environment,
      },
      logFile: this.file(`${instance}.log`),
      ready: { line: '"msg":"ready"' },
    });
    this.#programs.push(program);
    return program;
  }

  /** What the checker and the ticketer leave before a job: evidence, and the ticket in KV. */
  async openTicket(target: string, changed: Partial<Ticket> = {}): Promise<Ticket> {
    const { good, bad, ticket } = caseAt(Date.now(), target);
    await this.keep(good, bad);
    return await this.fileTicket(Ticket.parse({ ...ticket, ...changed }));
  }

  async keep(...snapshots: Snapshot[]): Promise<void> {
    const checker = await this.bus("checker");
    for (const snapshot of snapshots) await checker.publish(flow.evidence, snapshot);
  }

  /** Puts a ticket in KV, as the ticketer does. */
  async fileTicket(ticket: Ticket): Promise<Ticket> {
    const tickets = await (await this.bus("ticketer")).bucket("tickets", Ticket);
    await tickets.create(violationKeyOf(ticket), ticket);
    return ticket;
  }

  async queue(ticket: Ticket, attempt = 1): Promise<void> {
    await (await this.bus("ticketer")).publish(flow.job, jobOf(ticket, attempt));
  }

  /** All that was said of a ticket's attempts, once `enough` of it was; fails after a deadline. */
  async said(ticket: Ticket, enough: (events: DiagnosisEvent[]) => boolean, withinMs = 20_000) {
    const given = { subject: ticket.subject, invariant: ticket.invariant, target: ticket.target };
    return await this.read(flow.diagnosis, given, enough, withinMs);
  }

  /** Everything in a channel so far, once `enough` of it is there. */
  async read<M>(
    channel: Channel<M>,
    given: Record<string, string>,
    enough: (messages: M[]) => boolean,
    withinMs = 20_000,
  ): Promise<M[]> {
    const bus = await this.bus("cli");
    const signal = AbortSignal.timeout(withinMs);
    const messages: M[] = [];
    for await (const batch of readInOrder(bus, channel, { given, from: "first", signal })) {
      messages.push(...batch.received.map(({ message }) => message));
      if (batch.caughtUp && enough(messages)) return messages;
    }
    throw new Error(`not enough in ${channel.name} within ${withinMs} ms: ${JSON.stringify(messages).slice(0, 500)}`);
  }

  /** Waits until no job is left, waiting or under way. */
  async jobsDone(withinMs = 20_000): Promise<void> {
    const bus = await this.bus("provision");
    const deadline = Date.now() + withinMs;
    while ((await bus.streamState("JOBS")).messages > 0) {
      if (Date.now() > deadline) throw new Error(`jobs are left after ${withinMs} ms`);
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    await Promise.all([...this.#buses.values()].map((bus) => bus.close()));
    await this.nats.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A node that refuses since this time, one second after it was well. */
export function caseAt(atMs: number, target: string) {
  const probe = (state: string) => ({
    probe: {
      [target]: { state, sinceMs: atMs - 5, address: "127.0.0.1:1", lastAnswerAtMs: atMs - 200 },
      "node-z": { state: "up", sinceMs: 5, address: "127.0.0.1:2" },
    },
  });
  const good = snapshotAt(atMs - 1_000, probe("up"));
  const bad = snapshotAt(atMs, probe("refused"));
  const pointers = [`/parts/probe/${target}/state`];
  const ticket = ticketOf(violationOf({ invariant: "node_down", target, pointers, bad, good }));
  return { good, bad, ticket };
}

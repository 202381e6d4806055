import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Channel, UserName } from "@operator/contracts/channel";
import type { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { Program } from "@operator/stack/program";
import { type SupervisedMembers, superviseMembers } from "@operator/supervisor/members.fixture";
import { fileOf } from "./example-faults.fixture.ts";

const targets = ["member-a", "member-b", "member-c"];

/** A real bus, a supervisor over real processes, chaos as real processes beside them. */
export class Lab implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly supervised: SupervisedMembers;
  readonly #buses = new Map<UserName, Bus>();
  readonly #programs: Program[] = [];

  private constructor(nats: NatsServer, supervised: SupervisedMembers) {
    this.nats = nats;
    this.supervised = supervised;
  }

  static async open(): Promise<Lab> {
    const [nats, supervised] = await Promise.all([startProvisionedNats(), superviseMembers({ targets })]);
    return new Lab(nats, supervised);
  }

  /** Starts one more instance of chaos and waits until it has read the journal. */
  async chaos(environment: Record<string, string> = {}): Promise<Program> {
    const instance = `chaos-${this.#programs.length + 1}`;
    const program = await Program.start({
      name: instance,
      file: process.execPath,
      arguments: [join(import.meta.dirname, "example-chaos.fixture.ts")],
      environment: {
        OPERATOR_NATS_URL: this.nats.url,
        OPERATOR_NATS_PASSWORD: this.nats.passwords.chaos,
        OPERATOR_INSTANCE: instance,
        OPERATOR_SUPERVISOR_SOCKET: this.supervised.supervisor.sockets.chaos,
        EXAMPLE_FOLDER: this.supervised.folder,
        ...environment,
      },
      logFile: join(this.supervised.folder, `${instance}.log`),
      ready: { line: '"msg":"ready"' },
    });
    this.#programs.push(program);
    return program;
  }

  async as(user: UserName): Promise<Bus> {
    const known = this.#buses.get(user);
    if (known) return known;
    const password = this.nats.passwords[user];
    const bus = await Bus.connect({
      servers: this.nats.url,
      user,
      password,
      instance: InstanceName.parse(`${user}-test`),
    });
    this.#buses.set(user, bus);
    return bus;
  }

  /** Publishes as `nats pub` does: the bytes alone, without headers or an acknowledgement. */
  async say(command: unknown): Promise<void> {
    const { connection } = (await this.as("cli")).link;
    const body = typeof command === "string" ? command : JSON.stringify(command);
    connection.publish("operator.chaos.commands", body);
    await connection.flush();
  }

  /** Everything in a channel so far, once `enough` of it is there. */
  async read<M>(channel: Channel<M>, enough: (messages: M[]) => boolean, withinMs = 20_000): Promise<M[]> {
    const messages: M[] = [];
    const signal = AbortSignal.timeout(withinMs);
    for await (const batch of readInOrder(await this.as("cli"), channel, { from: "first", signal })) {
      messages.push(...batch.received.map(({ message }) => message));
      if (batch.caughtUp && enough(messages)) return messages;
    }
    throw new Error(`not enough in ${channel.name} within ${withinMs} ms: ${JSON.stringify(messages).slice(0, 3_000)}`);
  }

  /** The events of a fault, once it has come to this phase. */
  async until(id: string, phase: FaultEvent["phase"]): Promise<FaultEvent[]> {
    const of = (events: FaultEvent[]) => events.filter((event) => event.id === id);
    return of(await this.read(flow.fault, (events) => of(events).some((event) => event.phase === phase)));
  }

  /** Waits until no command is left, waiting or under way. */
  async obeyed(): Promise<void> {
    const bus = await this.as("provision");
    await eventually("commands are left", async () => (await bus.streamState("CHAOS")).messages === 0);
  }

  async stateOf(target: string): Promise<string | undefined> {
    return (await this.supervised.chaos.list()).find((member) => member.target === target)?.state;
  }

  isMarked(target: string): boolean {
    return existsSync(fileOf(this.supervised.folder, target, "mark"));
  }

  /** How often a mark was made, or taken back. */
  count(target: string, what: "injections" | "reverts"): number {
    const file = fileOf(this.supervised.folder, target, what);
    return existsSync(file) ? readFileSync(file, "utf8").length : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program.kill();
    await Promise.all([...this.#buses.values()].map((bus) => bus.close()));
    await this.supervised[Symbol.asyncDispose]();
    await this.nats.stop();
  }
}

/** Waits until it's so, for 20 s at most. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await sleep(25);
  }
}

export const phasesOf = (events: readonly FaultEvent[]) => events.map(({ phase }) => phase);

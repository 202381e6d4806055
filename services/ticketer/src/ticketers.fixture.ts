import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Channel, UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Job } from "@operator/contracts/job";
import { InstanceName } from "@operator/contracts/names";
import { Ticket } from "@operator/contracts/ticket";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { Program } from "@operator/stack/program";

const main = join(import.meta.dirname, "main.ts");

/** A real bus, real ticketer processes on it, and the other users of the loop to speak to them. */
export class Ticketers implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly folder: string;
  readonly #programs: Program[] = [];
  readonly #buses = new Map<UserName, Bus>();

  private constructor(nats: NatsServer, folder: string) {
    this.nats = nats;
    this.folder = folder;
  }

  static async start(): Promise<Ticketers> {
    return new Ticketers(await startProvisionedNats(), await mkdtemp(join(tmpdir(), "operator-ticketer-")));
  }

  /** Starts one ticketer and waits until it's ready. */
  async ticketer(environment: Record<string, string> = {}): Promise<Program> {
    const instance = `ticketer-${this.#programs.length + 1}`;
    const program = await Program.start({
      name: instance,
      file: process.execPath,
      arguments: [main],
      environment: {
        OPERATOR_NATS_URL: this.nats.url,
        OPERATOR_NATS_PASSWORD: this.nats.passwords.ticketer,
        OPERATOR_INSTANCE: instance,
        OPERATOR_SUBJECTS: "ratelimiter",
        ...environment,
      },
      logFile: join(this.folder, `${instance}.log`),
      ready: { line: '"msg":"ready"' },
    });
    this.#programs.push(program);
    return program;
  }

  async as(user: UserName): Promise<Bus> {
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

  async tickets(): Promise<Ticket[]> {
    const cli = await this.as("cli");
    const entries = await (await cli.bucket("tickets", Ticket)).entries();
    return entries.map(({ value }) => value).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Every message that a channel's stream holds now. */
  async all<M>(channel: Channel<M>): Promise<M[]> {
    const cli = await this.as("cli");
    const { messages } = await cli.streamState(channel.stream);
    const found: M[] = [];
    if (messages === 0) return found;
    const signal = AbortSignal.timeout(20_000);
    for await (const batch of readInOrder(cli, channel, { from: "first", signal })) {
      found.push(...batch.received.map(({ message }) => message));
      if (batch.caughtUp) return found;
    }
    throw new Error(`${channel.stream} wasn't read to its end within 20 s`);
  }

  /** Takes every job that waits, as a diagnoser would. */
  async job(ticket: Ticket, attempt = 1): Promise<Job | undefined> {
    const provision = await this.as("provision");
    const priority = ticket.severity === "critical" ? "critical" : "normal";
    const [subject, ...rest] = ticket.id.split(".");
    const address = `operator.job.${subject}.${priority}.${rest.join(".")}.${attempt}`;
    return (await provision.last(flow.job, address))?.message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program.kill();
    for (const bus of this.#buses.values()) await bus.close();
    await this.nats.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Asks until the answer is right, and says what it was in the end when it never is. */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${withinMs} ms; last: ${JSON.stringify(answer)?.slice(0, 4_000)}`);
    await sleep(25);
  }
}

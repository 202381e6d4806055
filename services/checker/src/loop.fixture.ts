import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Channel, UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import type { NatsServer } from "@operator/stack/nats-server";
import { freshMemory } from "./memory.ts";
import { Limiter, subject } from "./ratelimiter.fixture.ts";
import { roomOf } from "./room.ts";
import { Story } from "./snapshots.fixture.ts";

export function connect(server: NatsServer, user: UserName): Promise<Bus> {
  const instance = InstanceName.parse(`${user}-test`);
  return Bus.connect({ servers: server.url, user, password: server.passwords[user], instance });
}

/** A checker as a process of its own. */
export interface CheckerProcess {
  child: ChildProcess;
  exited: Promise<unknown>;
  /** All that it wrote. */
  output: () => string;
  said: (msg: string) => Promise<void>;
  kill: (signal?: NodeJS.Signals) => Promise<void>;
}

export function startChecker(server: NatsServer, environment: Record<string, string> = {}): CheckerProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
    env: {
      PATH: process.env["PATH"],
      OPERATOR_SUBJECT: subject,
      OPERATOR_NATS_URL: server.url,
      OPERATOR_NATS_PASSWORD: server.passwords.checker,
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exited = once(child, "close");
  return {
    child,
    exited,
    output: () => output,
    said: (msg) =>
      soon(
        () => output.includes(`"msg":"${msg}"`),
        () => output,
      ),
    kill: async (signal = "SIGKILL") => {
      child.kill(signal);
      await exited;
    },
  };
}

/** Waits for a condition; throws after 30 s with what is known. */
export async function soon(condition: () => boolean | Promise<boolean>, about = () => condition.toString()) {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`didn't come true in 30 s: ${about()}`);
    await sleep(25);
  }
}

/** All messages of a channel so far. */
export async function stored<M>(bus: Bus, channel: Channel<M>): Promise<M[]> {
  const enough = new AbortController();
  const messages: M[] = [];
  for await (const { received, caughtUp } of readInOrder(bus, channel, { from: "first", signal: enough.signal })) {
    messages.push(...received.map(({ message }) => message));
    if (caughtUp) break;
  }
  enough.abort();
  return messages;
}

/**
 * An observer that sends a second of event time every few milliseconds, and a checker of its own in this process that is
 * told the same: what the real ones must have said.
 */
export class Stage {
  readonly limiter = new Limiter();
  readonly expected: Story;
  readonly #bus: Bus;

  private constructor(bus: Bus, expected: Story) {
    this.#bus = bus;
    this.expected = expected;
    this.expected.memory = freshMemory({ subject, startedAtMs: this.limiter.atMs, sequence: 0 });
  }

  static async build(server: NatsServer): Promise<Stage> {
    return new Stage(await connect(server, "observer"), new Story(await roomOf(subject, 1)));
  }

  /** So many snapshots. Every 20, node-b dies for 6; node-c has no Redis half of the time. */
  async play(count: number, paceMs = 20): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.limiter.probe["node-b"] = i % 20 >= 10 && i % 20 < 16 ? "refused" : "up";
      this.limiter.connected["node-c"] = i % 40 < 20;
      const snapshot = this.limiter.next();
      const { sequence } = await this.#bus.publish(flow.snapshot, snapshot);
      this.expected.take({ kind: "snapshot", snapshot, sequence });
      await sleep(paceMs);
    }
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }
}

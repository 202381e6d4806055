import { createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { UserName } from "@operator/contracts/channel";
import type { DeadLetter } from "@operator/contracts/dead-letter";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { Program } from "@operator/stack/program";

const key = Buffer.alloc(32, 9);
const secret = `whsec_${key.toString("base64")}`;

/** What a receiver got. `genuine`: as Standard Webhooks has a receiver check it. */
export interface Got {
  path: string;
  id: string;
  body: string;
  genuine: boolean;
}

/** A real HTTP server that keeps what it gets, and answers as told: a status, a 200 whose body never ends, or nothing at all. */
export class Receiver implements AsyncDisposable {
  readonly got: Got[] = [];
  /** Its answer to the n-th post of an id, from 1. */
  answer: (got: Got, nth: number) => number | "endless" | "nothing" = () => 204;
  /** Bytes of endless bodies, and how many of their connections the other side has closed. */
  endless = { bytes: 0, closed: 0 };
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the receiver doesn't listen");
    return `http://127.0.0.1:${address.port}/hook`;
  }

  of(target: string): Got[] {
    return this.got.filter(({ id }) => id.includes(`.${target}.`));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks).toString();
    const header = (name: string) => String(request.headers[name]);
    const got: Got = {
      path: request.url ?? "",
      id: header("webhook-id"),
      body,
      genuine: isGenuine(header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), body),
    };
    this.got.push(got);
    const status = this.answer(got, this.got.filter(({ id }) => id === got.id).length);
    if (status === "nothing") return;
    if (status === "endless") return this.#writeEndlessly(response);
    response.writeHead(status, { location: "/elsewhere" }).end("a body that nobody needs");
  }

  #writeEndlessly(response: ServerResponse): void {
    const chunk = "x".repeat(16 * 1024);
    const body = new Readable({
      read: () => {
        this.endless.bytes += chunk.length;
        body.push(chunk);
      },
    });
    response.on("close", () => {
      this.endless.closed += 1;
      body.destroy();
    });
    body.pipe(response.writeHead(200));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function isGenuine(id: string, timestamp: string, signatures: string, body: string): boolean {
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest();
  return signatures.split(" ").some((each) => {
    const [version, encoded = ""] = each.split(",");
    const given = Buffer.from(encoded, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** A real bus, notifier processes on it, and a receiver. */
export class Notifiers implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly receiver: Receiver;
  readonly #folder: string;
  readonly #programs: Program[] = [];
  readonly #buses = new Map<UserName, Bus>();

  private constructor(nats: NatsServer, receiver: Receiver, folder: string) {
    this.nats = nats;
    this.receiver = receiver;
    this.#folder = folder;
  }

  static async start(): Promise<Notifiers> {
    const folder = await mkdtemp(join(tmpdir(), "operator-notifier-"));
    return new Notifiers(await startProvisionedNats(), await Receiver.start(), folder);
  }

  /** Starts one, which tries three times within 200 ms, and waits until it's ready. */
  async notifier(environment: Record<string, string> = {}): Promise<Program> {
    const instance = `notifier-${this.#programs.length + 1}`;
    const program = await Program.start({
      name: instance,
      file: process.execPath,
      arguments: [join(import.meta.dirname, "main.ts")],
      environment: {
        OPERATOR_NATS_URL: this.nats.url,
        OPERATOR_NATS_PASSWORD: this.nats.passwords.notifier,
        OPERATOR_INSTANCE: instance,
        OPERATOR_WEBHOOK_URL: this.receiver.url,
        OPERATOR_WEBHOOK_SECRET: secret,
        OPERATOR_WEBHOOK_TRIES: "3",
        OPERATOR_WEBHOOK_RETRY_MS: "50",
        ...environment,
      },
      logFile: join(this.#folder, `${instance}.log`),
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

  async deadLetters(): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    const signal = AbortSignal.timeout(20_000);
    for await (const batch of readInOrder(await this.as("cli"), flow.dead, { from: "first", signal })) {
      found.push(...batch.received.map(({ message }) => message));
      if (batch.caughtUp) return found;
    }
    throw new Error("the dead letters weren't read to their end within 20 s");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program.kill();
    for (const bus of this.#buses.values()) await bus.close();
    await this.receiver[Symbol.asyncDispose]();
    await this.nats.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Asks until it's so, for 20 s at most. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await sleep(20);
  }
}

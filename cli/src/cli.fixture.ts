import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bus } from "@operator/bus/bus";
import type { UserName } from "@operator/contracts/channel";
import { InstanceName } from "@operator/contracts/names";
import { type NatsServer, startNats, startProvisionedNats } from "@operator/stack/nats-server";
import { runCli } from "./run-cli.ts";
import type { Shell } from "./shell.ts";

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** A folder like a project's, where the CLI looks for its context. */
export class Desk implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "operator-cli-"));

  /** The one that is found without a word, or the one of a name. */
  writeContext(context: unknown, name = ""): void {
    mkdirSync(join(this.root, ".operator", name), { recursive: true });
    this.write(join(this.root, ".operator", name, "context.json"), context);
  }

  write(file: string, content: unknown): void {
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }

  /** Runs a command line in this process, as `main.ts` does, and keeps what it said. */
  async run(argv: readonly string[], given: Partial<Shell> = {}): Promise<Ended> {
    const ended: Ended = { code: -1, out: "", err: "" };
    ended.code = await runCli(argv, {
      env: { USER: "ada" },
      root: this.root,
      out: (text) => (ended.out += text),
      err: (text) => (ended.err += text),
      ask: async () => {
        throw new Error("nobody is there to be asked");
      },
      isTerminal: false,
      hasColour: false,
      columns: 100,
      rows: 40,
      nowMs: () => Date.now(),
      signal: new AbortController().signal,
      ...given,
    });
    return ended;
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A real bus, a desk whose context leads to it, and connections of whoever a test wants to speak as. */
export class Loop implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly desk = new Desk();
  readonly #buses: Bus[] = [];

  private constructor(nats: NatsServer) {
    this.nats = nats;
    const { cli, provision, watch } = nats.passwords;
    this.desk.writeContext({ url: nats.url, passwords: { cli, provision, watch }, subjects: ["ratelimiter"] });
  }

  static async start({ isProvisioned = true }: { isProvisioned?: boolean } = {}): Promise<Loop> {
    return new Loop(isProvisioned ? await startProvisionedNats() : await startNats());
  }

  async as(user: UserName): Promise<Bus> {
    const password = this.nats.passwords[user];
    const bus = await Bus.connect({
      servers: this.nats.url,
      user,
      password,
      instance: InstanceName.parse(`${user}-test`),
    });
    this.#buses.push(bus);
    return bus;
  }

  run(argv: readonly string[], given: Partial<Shell> = {}): Promise<Ended> {
    return this.desk.run(argv, given);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close()));
    await this.nats.stop();
    this.desk[Symbol.dispose]();
  }
}

/** Asks again until the answer is there, for so long at most. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 15_000,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

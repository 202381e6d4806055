import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { constants } from "node:os";
import { setTimeout as wait } from "node:timers/promises";

/** How it's known that a program does its work. */
export type Ready = { port: number } | { url: string } | { line: string };

export interface ProgramPlan {
  name: string;
  file: string;
  arguments: string[];
  environment: Record<string, string>;
  /** Standard output and error go to the end of this file. */
  logFile: string;
  ready: Ready;
  readyWithinMs?: number;
}

/**
 * A program that this process owns: a real process in its own process group, so that Ctrl-C on the terminal reaches the
 * owner alone and the owner stops it in order. Where the system can, it dies with its owner even when that one is killed.
 */
export class Program {
  readonly plan: ProgramPlan;
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;
  #exit: Promise<void> = Promise.resolve();

  private constructor(plan: ProgramPlan) {
    this.plan = plan;
    this.#environment = plan.environment;
  }

  /** Starts it and waits until it's ready. Throws with its last words when it ends or isn't ready in time. */
  static async start(plan: ProgramPlan): Promise<Program> {
    const program = new Program(plan);
    await program.restart();
    return program;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.plan.name} isn't running`);
    return pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the present process has ended. */
  get exited(): Promise<void> {
    return this.#exit;
  }

  /** How it ended, e.g. `0` or `SIGKILL`; undefined while it runs. */
  get ending(): number | string | undefined {
    return this.#child?.signalCode ?? this.#child?.exitCode ?? undefined;
  }

  /** Sends a signal to this very process. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** Kills it and waits for its end. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#exit;
  }

  /** Starts it again with the same plan, at the same place. `extra` is added to its environment this time. */
  async restart(extra: Record<string, string> = {}): Promise<void> {
    if (this.running) throw new Error(`${this.plan.name} is running already (pid ${this.pid})`);
    const { name, file, logFile, ready, readyWithinMs = 20_000 } = this.plan;
    const from = existsSync(logFile) ? statSync(logFile).size : 0;
    const log = openSync(logFile, "a");
    const [command, leading] = diesWithOwner() ? ["setpriv", ["--pdeathsig", "KILL", file]] : [file, []];
    const child = spawn(command, [...leading, ...this.plan.arguments], {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...inherited(), ...this.#environment, ...extra },
    });
    closeSync(log);
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", (error) => {
        appendFileSync(logFile, `${error.message}\n`);
        resolve();
      });
    });
    const deadline = Date.now() + readyWithinMs;
    while (!(await isReady(ready, logFile, from))) {
      const ended = child.pid === undefined || !this.running;
      if (ended || Date.now() > deadline) {
        await this.kill();
        const words = readFileSync(logFile).subarray(from).toString().trim().split("\n").slice(-12).join("\n");
        throw new Error(
          `${name} ${ended ? `ended with ${this.ending}` : `wasn't ready within ${readyWithinMs} ms`}; its last words:\n${words}`,
        );
      }
      await wait(15);
    }
  }

  /** Asks it to end, and kills it when it hasn't within the grace. A paused one is let go on first. */
  async stop(graceMs = 5_000): Promise<void> {
    if (!this.running) return;
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    const ended = await Promise.race([this.#exit.then(() => true), wait(graceMs, false, { ref: false })]);
    if (!ended) await this.kill();
  }
}

async function isReady(ready: Ready, logFile: string, from: number): Promise<boolean> {
  if ("line" in ready) return readFileSync(logFile).subarray(from).toString().includes(ready.line);
  if ("url" in ready)
    return await fetch(ready.url, { signal: AbortSignal.timeout(500) }).then(
      ({ ok }) => ok,
      () => false,
    );
  return await new Promise((resolve) => {
    const socket = connect({ port: ready.port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** What every program may have of this one's environment: where things are, no settings and no secrets. */
function inherited(): Record<string, string> {
  return Object.fromEntries(
    ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "NODE_COMPILE_CACHE"].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );
}

let dies: boolean | undefined;
/** util-linux's setpriv asks the kernel to kill a process when its parent dies. */
function diesWithOwner(): boolean {
  dies ??=
    process.platform === "linux" &&
    constants.signals.SIGKILL === 9 &&
    spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0;
  return dies;
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

/** A real process that answers on a port of 127.0.0.1, to be killed and paused. */
export interface Answering {
  port: number;
  signal: (signal: NodeJS.Signals) => void;
  /** Kills it and waits until it's gone. */
  kill: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** A process that runs this JavaScript; `port` in it is the port that it is to listen on, a free one unless given. */
export function startNode(script: string, port?: number): Promise<Answering> {
  const run = (port: number) =>
    spawn(process.execPath, ["-e", `const port = ${port};\n${script}`], { stdio: "ignore" });
  return start(run, port);
}

export const httpScript = `require("node:http").createServer((_, r) => r.end("ok")).listen(port, "127.0.0.1")`;

/** A real Redis. */
export async function startRedis(options: string[] = []): Promise<Answering> {
  const servers = new URL("../../../bootstrap/servers.js", import.meta.url).href;
  const Found = z.object({ "redis-server": z.object({ file: z.string(), env: z.record(z.string(), z.string()) }) });
  const { findServers } = z
    .object({ findServers: z.custom<(names: string[]) => Promise<unknown>>((value) => typeof value === "function") })
    .parse(await import(servers));
  const { file, env } = Found.parse(await findServers(["redis-server"]))["redis-server"];
  const folder = mkdtempSync(join(tmpdir(), "probe-redis-"));
  const redis = await start((port) =>
    spawn(
      file,
      ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, ...options],
      { env: { ...process.env, ...env }, stdio: "ignore" },
    ),
  );
  const dispose = async () => {
    await redis.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...redis, [Symbol.asyncDispose]: dispose };
}

/** Waits for a condition of the world. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await wait(10);
  }
}

async function start(run: (port: number) => ChildProcess, given?: number): Promise<Answering> {
  const port = given ?? (await freePort());
  const child = run(port);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async () => {
    child.kill("SIGKILL");
    await gone;
  };
  try {
    await until(`a process listens on ${port}`, () => accepts(port));
  } catch (error) {
    await kill();
    throw error;
  }
  return { port, signal: (signal) => child.kill(signal), kill, [Symbol.asyncDispose]: kill };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address === null || typeof address === "string" ? reject(new Error("no port")) : resolve(address.port),
      );
    });
  });
}

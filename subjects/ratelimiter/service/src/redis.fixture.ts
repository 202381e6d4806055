import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePorts } from "@operator/stack/free-port";
import { Redis } from "ioredis";
import { z } from "zod";
import { until } from "./until.fixture.ts";

export type RedisFixture = Awaited<ReturnType<typeof startRedis>>;

/** A real Redis of a test's own on a free port of 127.0.0.1, that can be killed, restarted and paused. */
export async function startRedis() {
  const port = await freePort();
  let server = await launch(port);
  const client = new Redis(port, "127.0.0.1", { retryStrategy: () => 20 });
  client.on("error", () => undefined);

  return {
    url: `redis://127.0.0.1:${port}`,
    /** For looking at what the nodes left in it. */
    client,
    pause: () => server.kill("SIGSTOP"),
    resume: () => server.kill("SIGCONT"),
    kill: () => end(server),
    /** With nothing in it: it never saves. */
    restart: async () => {
      await end(server);
      server = await launch(port);
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await end(server);
    },
  };
}

async function launch(port: number): Promise<ChildProcess> {
  const { file, env } = findRedis();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn(file, options, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  server.stdout.on("data", (chunk) => (said += chunk));
  await until(`redis-server on port ${port} is ready`, () => {
    if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}: ${said}`);
    return said.includes("Ready to accept connections");
  });
  return server;
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGKILL");
  await exited;
}

/** A process that isn't ours must not be needed to be found in types: the finder is plain JavaScript. */
function findRedis() {
  const finder = fileURLToPath(new URL("../../../../bootstrap/servers.js", import.meta.url));
  const found: unknown = JSON.parse(execFileSync(process.execPath, [finder, "redis-server"], { encoding: "utf8" }));
  return z
    .object({ "redis-server": z.object({ file: z.string(), env: z.record(z.string(), z.string()) }) })
    .parse(found)["redis-server"];
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

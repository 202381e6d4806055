import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { until } from "./until.fixture.ts";

export const managementToken = "a-token-for-the-tests";

export type NodeFixture = Awaited<ReturnType<typeof startNodeProcess>>;

/** A real node in a process of its own, once it listens; what isn't said here has its default. */
export async function startNodeProcess(nodeId: string, redisUrl: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("main.ts", import.meta.url))], {
    env: {
      PATH: process.env["PATH"] ?? "",
      RATELIMITER_NODE_ID: nodeId,
      RATELIMITER_REDIS_URL: redisUrl,
      RATELIMITER_MANAGEMENT_TOKEN: managementToken,
      // Patient, so that a machine busy with other tests doesn't make a healthy Redis look dead.
      RATELIMITER_COMMAND_TIMEOUT_MS: "1000",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const exited = once(child, "exit").then(() => child.exitCode);
  let url = "";
  const listensOrEnds = () => {
    url = Listening.exec(stdout)?.[1] ?? "";
    return url !== "" || child.exitCode !== null;
  };
  // Long, as a machine that is busy with other tests takes its time to start a process.
  await until(`node ${nodeId} listens or ends`, listensOrEnds, 30_000);
  if (url === "") throw new Error(`node ${nodeId} ended with ${child.exitCode}: ${stdout}${stderr}`);

  return {
    url,
    exited,
    log: () => stdout,
    signal: (signal: NodeJS.Signals) => child.kill(signal),
    check: (body: unknown) => call(`${url}/v1/check`, { method: "POST", body }),
    get: (path: string) => call(`${url}${path}`, {}),
    manage: (method: string, path: string, body?: unknown, token: string | undefined = managementToken) =>
      call(`${url}/v1/manage/${path}`, { method, body, ...(token === undefined ? {} : { token }) }),
    /** One sample of its /metrics, by name and part of its labels. */
    metric: async (name: string, labels = "") => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = text.split("\n").find((line) => line.startsWith(name) && line.includes(labels));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

const Listening = /"url":"([^"]+)".*"msg":"listening"/;

/** A request and its JSON answer, with how long it took. */
export async function call(url: string, request: { method?: string; body?: unknown; token?: string }) {
  const startedAtMs = performance.now();
  const response = await fetch(url, {
    method: request.method ?? "GET",
    headers: {
      ...(request.body === undefined ? {} : { "content-type": "application/json" }),
      ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const body = z.record(z.string(), z.unknown()).parse(await response.json());
  return { status: response.status, headers: response.headers, body, tookMs: performance.now() - startedAtMs };
}

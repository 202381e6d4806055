import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePorts } from "@operator/stack/free-port";
import { z } from "zod";

/** A real Prometheus of this test's own. */
export interface PrometheusFixture extends AsyncDisposable {
  url: string;
}

/** Scrapes these addresses (`host:port`, path `/metrics`) twice a second; ready when this resolves. */
export async function startPrometheus(instances: readonly string[]): Promise<PrometheusFixture> {
  const folder = mkdtempSync(join(tmpdir(), "room-prometheus-"));
  const targets = JSON.stringify(instances);
  const scrape = `scrape_interval: 500ms, scrape_timeout: 500ms`;
  const config = `{ global: { ${scrape} }, scrape_configs: [{ job_name: tikv, static_configs: [{ targets: ${targets} }] }] }`;
  writeFileSync(join(folder, "prometheus.yml"), config);
  const { file, env } = find();
  const port = (await freePorts(1))[0] ?? 0;
  const server = spawn(
    file,
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  server.stderr.on("data", (chunk) => (said = `${said}${chunk}`.slice(-4_000)));
  const url = `http://127.0.0.1:${port}`;
  for (const deadlineMs = performance.now() + 20_000; !(await isReady(url));) {
    if (server.exitCode !== null || performance.now() > deadlineMs) throw new Error(`Prometheus isn't ready: ${said}`);
    await wait(20);
  }
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await end(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGKILL");
  await exited;
}

/** The finder is plain JavaScript, and its types are nobody's. */
function find() {
  const finder = fileURLToPath(new URL("../../bootstrap/servers.js", import.meta.url));
  const found: unknown = JSON.parse(execFileSync(process.execPath, [finder, "prometheus"], { encoding: "utf8" }));
  const Found = z.object({ prometheus: z.object({ file: z.string(), env: z.record(z.string(), z.string()) }) });
  return Found.parse(found).prometheus;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProcessSpec } from "@operator/subject/processes";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePorts } from "./free-port.ts";
import { findCommands, startSpec } from "./spec-program.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "operator-spec-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function prometheus(port: number, files: Record<string, string>): ProcessSpec {
  const place = `--storage.tsdb.path=${join(folder, "data")}`;
  return {
    name: "prometheus",
    command: "prometheus",
    arguments: [`--config.file=${join(folder, "prometheus.yml")}`, `--web.listen-address=127.0.0.1:${port}`, place],
    environment: {},
    files,
    ready: { url: `http://127.0.0.1:${port}/-/ready` },
    labels: {},
  };
}

async function start(spec: ProcessSpec) {
  return await startSpec(spec, { commands: await findCommands([spec]), folder, logFile: join(folder, "log") });
}

test("a program finds the files of its spec", async () => {
  const [port = 0] = await freePorts(1);
  const content = "global: { scrape_interval: 7s }\n";
  await using program = await start(prometheus(port, { "prometheus.yml": content })).then((program) => ({
    running: program.running,
    [Symbol.asyncDispose]: () => program.kill(),
  }));
  expect(program.running).toBe(true);
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/status/config`);
  expect(JSON.stringify(await answer.json())).toContain("scrape_interval: 7s");
});

test("a file's name doesn't lead out of the folder", async () => {
  for (const name of ["../elsewhere.yml", "..", "a/b.yml"])
    await expect(start(prometheus(1, { [name]: "" })), name).rejects.toThrow(`"${name}" of prometheus`);
});

test("only what is named is looked for", async () => {
  const node: ProcessSpec = { ...prometheus(1, {}), command: "node" };
  expect(Object.keys(await findCommands([node]))).toEqual(["node"]);
});

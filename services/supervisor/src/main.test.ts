import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "@operator/stack/program";
import { actuatorClient } from "@operator/supervisor/client";
import { expect, test } from "vitest";

const main = join(import.meta.dirname, "main.ts");

test("a bad start names every bad variable with its value and ends with 78; none of the bus is needed", async () => {
  const environment = {
    PATH: process.env["PATH"],
    OPERATOR_COMPOSE_PROJECT: "No Project",
    OPERATOR_DOCKER_SOCKET: "docker.sock",
    OPERATOR_LOG_LEVEL: "loud",
  };
  const child = spawn(process.execPath, [main], { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [status] = await once(child, "close");
  expect(status).toBe(78);
  expect(
    said
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(":")[0]?.trim()),
  ).toEqual([
    `OPERATOR_COMPOSE_PROJECT is "No Project"`,
    `OPERATOR_DOCKER_SOCKET is "docker.sock"`,
    `OPERATOR_LOG_LEVEL is "loud"`,
  ]);
});

test("without an engine it listens all the same, to whoever reaches a socket's folder, and says what is wrong", async () => {
  const folder = await mkdtemp(join(tmpdir(), "operator-supervisor-"));
  const sockets = { chaos: join(folder, "chaos.sock"), actuator: join(folder, "actuator.sock") };
  const program = await Program.start({
    name: "supervisor",
    file: process.execPath,
    arguments: [main],
    environment: {
      OPERATOR_COMPOSE_PROJECT: "operator",
      OPERATOR_DOCKER_SOCKET: join(folder, "docker.sock"),
      // Which would be another engine: what it's told is its own setting.
      DOCKER_HOST: "tcp://127.0.0.1:1",
      OPERATOR_SUPERVISOR_CHAOS_SOCKET: sockets.chaos,
      OPERATOR_SUPERVISOR_ACTUATOR_SOCKET: sockets.actuator,
      OPERATOR_SUPERVISOR_STATE: join(folder, "state"),
    },
    logFile: join(folder, "log"),
    ready: { line: '"msg":"ready"' },
  });
  try {
    await using actuator = actuatorClient(sockets.actuator);
    await expect(actuator.list()).rejects.toMatchObject({
      code: "ENGINE_AWAY",
      message: expect.stringContaining(`connect ENOENT ${join(folder, "docker.sock")}`),
    });
    // Each client runs as a user of its own, and only who mounts the folder gets so far.
    for (const socket of Object.values(sockets)) expect(statSync(socket).mode & 0o777).toBe(0o666);
    await program.stop();
    expect(program.ending).toBe(0);
    expect(Object.values(sockets).some((socket) => existsSync(socket))).toBe(false);
  } finally {
    await program.kill();
    await rm(folder, { recursive: true });
  }
});

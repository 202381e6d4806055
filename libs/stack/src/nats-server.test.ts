import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bus } from "@operator/bus/bus";
import { streams } from "@operator/contracts/streams";
import { InstanceName } from "@operator/contracts/names";
import { expect, test } from "vitest";
import { type NatsServer, startNats, startProvisionedNats } from "./nats-server.ts";

test(
  "it starts with every stream, keeps its port and messages over a kill, and leaves nothing behind",
  { timeout: 30_000 },
  async () => {
    const server = await startProvisionedNats();
    const { url, pid, folder } = server;
    await server.kill();
    expect(isRunning(pid)).toBe(false);
    await server.restart();
    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    await using bus = await connect(server);
    for (const name of Object.keys(streams)) expect((await bus.link.api.streams.info(name)).config.name).toBe(name);
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  },
);

test(
  "a restart kills one that still runs; a paused one is there again when it goes on",
  { timeout: 30_000 },
  async () => {
    await using server = await startNats();
    const { pid } = server;
    await server.kill("SIGSTOP");
    await server.kill("SIGCONT");
    expect(server.pid).toBe(pid);
    await server.restart();
    expect(isRunning(pid)).toBe(false);
    await using bus = await connect(server);
    expect(bus.connected()).toBe(true);
  },
);

test("a folder that was given stays, with what is in it", { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "operator-given-"));
  try {
    const first = await startProvisionedNats({ folder });
    await first.stop();
    await using second = await startNats({ folder, passwords: first.passwords });
    await using bus = await connect(second);
    expect((await bus.streamState("VIOLATIONS")).messages).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a port that is taken is an error with the server's own words", { timeout: 30_000 }, async () => {
  await using server = await startNats();
  await expect(startNats({ port: server.port })).rejects.toThrow(/address already in use/);
});

function connect(server: NatsServer): Promise<Bus> {
  return Bus.connect({
    servers: server.url,
    user: "provision",
    password: server.passwords.provision,
    instance: InstanceName.parse("provision-test"),
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

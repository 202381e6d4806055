import { join } from "node:path";
import { FaultId } from "@operator/contracts/chaos";
import { Program } from "@operator/stack/program";
import { chaosClient } from "@operator/supervisor/client";
import type Docker from "dockerode";
import { describe, expect, test, vi } from "vitest";
import { dockerSocket, Lab, whyNoDocker } from "./lab.fixture.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const why = await whyNoDocker("node:24-bookworm-slim");
if (why !== undefined) process.stdout.write(`supervisor: skipped, ${why}\n`);

const folders = { chaos: "/run/operator/supervisor/chaos", actuator: "/run/operator/supervisor/actuator" };

describe.skipIf(why !== undefined)("the supervisor as a program", () => {
  const started = async (lab: Lab) => {
    const sockets = { chaos: join(lab.folder, "c.sock"), actuator: join(lab.folder, "a.sock") };
    const program = await Program.start({
      name: "supervisor",
      file: process.execPath,
      arguments: [join(import.meta.dirname, "main.ts")],
      environment: {
        OPERATOR_COMPOSE_PROJECT: lab.project,
        OPERATOR_DOCKER_SOCKET: dockerSocket,
        OPERATOR_SUPERVISOR_CHAOS_SOCKET: sockets.chaos,
        OPERATOR_SUPERVISOR_ACTUATOR_SOCKET: sockets.actuator,
        OPERATOR_SUPERVISOR_STATE: join(lab.folder, "state"),
      },
      logFile: join(lab.folder, "log"),
      ready: { line: '"msg":"ready"' },
    });
    return { program, sockets };
  };

  test("killed itself, it leaves the faults that run to the next, which ends them", async () => {
    await using lab = await Lab.open();
    await lab.network("backend");
    const killed = await lab.member("node-a", { networks: { backend: [] } });
    const cut = await lab.member("node-b", { networks: { backend: ["limiter.local"] } });
    const networkOf = async () => (await cut.inspect()).NetworkSettings.Networks[lab.nameOf("backend")];
    const { program, sockets } = await started(lab);
    try {
      await using chaos = chaosClient(sockets.chaos);
      await chaos.kill("node-a", { fault: FaultId.parse("k1"), forMs: 600_000 });
      await chaos.disconnect("node-b", { fault: FaultId.parse("d1"), forMs: 4_000, network: "backend" });
      await program.kill();
      await program.restart();
      await using again = chaosClient(sockets.chaos);
      expect((await again.list()).map(({ target, fault }) => [target, fault?.id])).toEqual([
        ["node-a", "k1"],
        ["node-b", "d1"],
      ]);
      await again.revert(FaultId.parse("k1"));
      expect(await lab.stateOf(killed)).toBe("running");
      await vi.waitUntil(async () => (await again.list()).every(({ fault }) => !fault), { timeout: 15_000 });
      expect((await networkOf())?.Aliases).toContain("limiter.local");
    } finally {
      await program.kill();
    }
  });

  test("ended in order, it first brings back whom it killed, within the 10 s that compose grants", async () => {
    await using lab = await Lab.open();
    const node = await lab.member("node-a");
    const { program, sockets } = await started(lab);
    try {
      await using chaos = chaosClient(sockets.chaos);
      await chaos.kill("node-a", { fault: FaultId.parse("k1"), forMs: 600_000 });
      const stoppedMs = Date.now();
      await program.stop();
      expect(Date.now() - stoppedMs).toBeLessThan(10_000);
      expect([program.ending, await lab.stateOf(node)]).toEqual([0, "running"]);
    } finally {
      await program.kill();
    }
  });

  test("without a network, without a capability and on a read-only root it serves clients of another user", async () => {
    await using lab = await Lab.open();
    const [chaos, actuator, state] = [
      await lab.volume("chaos"),
      await lab.volume("actuator"),
      await lab.volume("state"),
    ];
    const volumes = { chaos, actuator };
    const node = await lab.member("node-a");
    const supervisor = await lab.container("supervisor", {
      settings: {
        ...nodeSettings("0"),
        Cmd: ["node", "/app/services/supervisor/src/main.ts"],
        Env: [`OPERATOR_COMPOSE_PROJECT=${lab.project}`],
        HostConfig: {
          ...bare,
          Init: true,
          Binds: [
            `${root}:/app:ro`,
            `${dockerSocket}:${dockerSocket}`,
            `${volumes.chaos}:${folders.chaos}`,
            `${volumes.actuator}:${folders.actuator}`,
            `${state}:/var/lib/operator`,
          ],
        },
      },
    });
    let clients = 0;
    const client = async (kind: keyof typeof folders, method: string, path: string, body = "") => {
      const script = `require("node:http")
        .request({ socketPath: "${folders[kind]}/${kind}.sock", method: "${method}", path: "${path}" }, (r) => r.pipe(process.stdout))
        .end(${JSON.stringify(body)})`;
      clients += 1;
      const container = await lab.container(`client-${clients}`, {
        settings: {
          ...nodeSettings("1000"),
          Cmd: ["node", "-e", script],
          HostConfig: { ...bare, Binds: [`${volumes[kind]}:${folders[kind]}`] },
        },
      });
      await container.wait();
      return await lab.printedBy(container);
    };
    const isUp = async () => (await lab.printedBy(supervisor)).includes(`"msg":"ready"`);
    await vi.waitUntil(isUp, { timeout: 60_000, interval: 200 });
    expect(await client("chaos", "GET", "/members")).toContain(`"target":"node-a","kind":"node","state":"running"`);
    const order = JSON.stringify({ fault: "k1", forMs: 60_000 });
    expect(await client("actuator", "POST", "/members/node-a/kill", order)).toContain("VERB_FORBIDDEN");
    expect(await client("chaos", "POST", "/members/node-a/kill", order)).toContain(`"already":false`);
    expect(await lab.stateOf(node)).toBe("exited");
    expect(await client("actuator", "POST", "/members/node-a/start")).toContain(`"already":false`);
    expect(await lab.stateOf(node)).toBe("running");
    const stoppedMs = Date.now();
    await supervisor.stop({ t: 10 });
    expect((await supervisor.inspect()).State.ExitCode).toBe(0);
    expect(Date.now() - stoppedMs).toBeLessThan(10_000);
  }, 180_000);
});

/** As its compose file has it. */
const bare = { NetworkMode: "none", CapDrop: ["ALL"], ReadonlyRootfs: true, SecurityOpt: ["no-new-privileges:true"] };

function nodeSettings(user: string): Docker.ContainerCreateOptions {
  return { Image: "node:24-bookworm-slim", User: user, Tty: true };
}

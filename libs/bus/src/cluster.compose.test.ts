import { InstanceName } from "@operator/contracts/names";
import type { UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import {
  GenericContainer,
  getContainerRuntimeClient,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from "testcontainers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Bus } from "./bus.ts";
import { snapshotOf, until } from "./bus.fixture.ts";
import { passwordsOf } from "./passwords.ts";
import { provision } from "./provision.ts";
import { readInOrder } from "./read-in-order.ts";
import { serverConfig } from "./server-config.ts";

// Three nats-servers, each stream on all of them: what one server's death costs. In containers, as nowhere else here are
// there three.

const isDocker = await getContainerRuntimeClient().then(
  () => true,
  () => false,
);
if (!isDocker) process.stdout.write("cluster: skipped, no Docker engine answers\n");

const names = ["n1", "n2", "n3"];
const passwords = passwordsOf();

function configOf(name: string): string {
  return [
    `server_name: ${name}`,
    'listen: "0.0.0.0:4222"',
    'http: "0.0.0.0:8222"',
    "max_payload: 8MB",
    "jetstream { store_dir: /data, max_file: 64GB, max_mem: 256MB }",
    `cluster { name: test, listen: "0.0.0.0:6222", routes: [${names.map((one) => `"nats://${one}:6222"`).join(", ")}] }`,
    serverConfig({ passwords }),
  ].join("\n");
}

describe.skipIf(!isDocker)("a cluster of three, R3", () => {
  let network: StartedNetwork;
  const servers = new Map<string, StartedTestContainer>();
  /** Those that were killed too: they're to be removed. */
  const containers: StartedTestContainer[] = [];
  const buses: Bus[] = [];

  beforeAll(async () => {
    // Ours are removed below; its reaper's image may not be had.
    process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
    network = await new Network().start();
    const started = await Promise.all(
      names.map(async (name) => {
        const container = await new GenericContainer("nats:2.15-alpine")
          .withNetwork(network)
          .withNetworkAliases(name)
          .withCopyContentToContainer([{ content: configOf(name), target: "/etc/nats/test.conf" }])
          .withCommand(["--config", "/etc/nats/test.conf"])
          .withExposedPorts(4222, 8222)
          .withWaitStrategy(Wait.forLogMessage("Server is ready"))
          .start();
        return [name, container] as const;
      }),
    );
    for (const [name, container] of started) servers.set(name, container);
    containers.push(...servers.values());
    const provisioner = await connect("provision");
    // A leader of the cluster has to be elected before streams can be made.
    await provision(provisioner, { replicas: 3 });
  }, 120_000);

  afterAll(async () => {
    await Promise.allSettled(buses.map((bus) => bus.close()));
    await Promise.allSettled(containers.map((container) => container.stop({ remove: true, removeVolumes: true })));
    await network?.stop();
  }, 60_000);

  async function connect(user: UserName): Promise<Bus> {
    const urls = [...servers.values()].map((server) => `nats://${server.getHost()}:${server.getMappedPort(4222)}`);
    const bus = await Bus.connect({
      servers: urls.join(","),
      user,
      password: passwords[user],
      instance: InstanceName.parse(`${user}-test`),
    });
    buses.push(bus);
    return bus;
  }

  async function leaderOf(stream: string): Promise<string> {
    const { cluster } = await (await connect("provision")).link.api.streams.info(stream);
    return cluster?.leader ?? "none";
  }

  test("the leader is killed under load: what was acknowledged is there once, in order, and no count is lost", async () => {
    const [observer, checker] = [await connect("observer"), await connect("checker")];
    const counter = await checker.bucket("checks", z.object({ count: z.int() }));
    await counter.create("counter", { count: 0 });
    const total = 2_000;
    let sent = 0;
    let counted = 0;
    const isSent = () => sent === total;
    const loads = [
      (async () => {
        for (let n = 1; n <= total; n++) {
          await observer.publish(flow.snapshot, snapshotOf("s", n));
          sent = n;
        }
      })(),
      (async () => {
        for (; !isSent(); counted++) {
          await counter.change("counter", (now) => ({ count: (now?.count ?? 0) + 1 }));
        }
      })(),
    ];
    const streams = [flow.snapshot.stream, "KV_checks"];
    await until(() => sent > 300, "a part of the load is sent");
    const [leader] = await Promise.all(streams.map(leaderOf));
    const before = sent;
    const runtime = await getContainerRuntimeClient();
    const killedAtMs = performance.now();
    await runtime.container.getById(servers.get(leader ?? "")?.getId() ?? "").kill();
    servers.delete(leader ?? "");
    await until(() => sent > before + 100, "the load goes on");
    process.stdout.write(
      `cluster: ${leader} killed, 100 more stored ${Math.round(performance.now() - killedAtMs)} ms later\n`,
    );
    await Promise.all(loads);

    const seen: number[] = [];
    for await (const { received, caughtUp } of readInOrder(checker, flow.snapshot, {
      from: "first",
      signal: AbortSignal.timeout(30_000),
    })) {
      seen.push(...received.map(({ message }) => message.n));
      if (caughtUp) break;
    }
    expect(seen).toEqual(Array.from({ length: total }, (_, at) => at + 1));
    expect((await counter.get("counter"))?.value).toEqual({ count: counted });
    expect(await leaderOf(flow.snapshot.stream)).not.toBe(leader);
  }, 120_000);
});

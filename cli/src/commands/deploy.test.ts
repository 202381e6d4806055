import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Desk } from "../cli.fixture.ts";
import {
  DockerStandIn,
  engine,
  nothingRuns,
  oldestCompose,
  oldestEngine,
  type Says,
  serviceOf,
} from "../deploy/docker-stand-in.fixture.ts";

// What a machine lacks is shown with a stand-in for its `docker`; what works, in deploy.compose.test.ts on a real one.
const inOneLine = (text: string) => text.replaceAll(/\s+/g, " ");

const noDocker: readonly Says[] | undefined = undefined;

test.each([
  { why: "no docker", says: noDocker, code: "DOCKER_MISSING", words: "install Docker Engine 20.10 or newer" },
  {
    why: "docker without compose",
    says: [
      { to: '"compose version"', err: "docker: unknown command: docker compose\nRun docker --help", code: 1 },
      oldestEngine,
    ],
    code: "DOCKER_MISSING",
    words: '"docker: unknown command: docker compose": install Docker\'s compose plugin 2.20 or newer',
  },
  {
    why: "a compose without include",
    says: [{ to: '"compose version"', out: "Docker Compose version v2.19.1" }, oldestEngine],
    code: "DOCKER_TOO_OLD",
    words: "docker compose is 2.19.1, and 2.20 or newer is needed",
  },
  {
    why: "an engine of before",
    says: [oldestCompose, engine({ ServerVersion: "19.03.15" })],
    code: "DOCKER_TOO_OLD",
    words: "the Docker engine is 19.03.15, and 20.10 or newer is needed",
  },
  {
    why: "an engine that is down",
    says: [
      oldestCompose,
      engine({ ServerVersion: "", ServerErrors: ["Cannot connect to the Docker daemon at unix:///x"] }),
    ],
    code: "DOCKER_AWAY",
    words: '("Cannot connect to the Docker daemon at unix:///x"): start it, or name another by DOCKER_HOST',
  },
  {
    why: "an engine that is down, of a program that says no JSON then",
    says: [oldestCompose, { to: '"info "*', err: "Got permission denied while trying to connect", code: 1 }],
    code: "DOCKER_AWAY",
    words: '("Got permission denied while trying to connect"): may you use it? The group `docker` may',
  },
  {
    why: "compose files with a mistake",
    says: [oldestCompose, oldestEngine, { to: '*" config "*', err: "services.nats.imag is not allowed", code: 15 }],
    code: "COMPOSE_FAILED",
    words: "services.nats.imag is not allowed",
  },
  {
    why: "a compose that says something else",
    says: [oldestCompose, oldestEngine, { to: '*" config "*', out: "{}" }],
    code: "COMPOSE_FAILED",
    words: "engine 20.10.0, compose 2.20.0: please report it",
  },
])("$why: $code", async ({ says, code, words }) => {
  using desk = new DockerStandIn(says);
  const ended = await desk.deploy("up");
  expect(ended.code).toBe(code === "COMPOSE_FAILED" ? 70 : 69);
  expect(inOneLine(ended.err)).toContain(words);
  expect(ended.err).toContain(`[${code}]`);
  const asJson = await desk.deploy("status", "--json");
  expect(JSON.parse(asJson.err)).toMatchObject({ error: { code } });
});

test("elsewhere than in the project nothing is started, whatever compose.yaml is there", async () => {
  using desk = new Desk();
  const none = await desk.run(["deploy", "local", "up"]);
  expect(none.code).toBe(66);
  expect(inOneLine(none.err)).toContain(`"${desk.root}" isn't the project's root`);
  desk.write(`${desk.root}/compose.yaml`, "name: somebody-elses\n");
  expect((await desk.run(["deploy", "local", "down", "--volumes"])).err).toContain("[PROJECT_MISSING]");
});

test("a port that somebody listens on is refused, with who it is and the variable that moves it", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const ports = [{ mode: "ingress", host_ip: "127.0.0.1", target: 4222, published: String(port), protocol: "tcp" }];
  const machine = [oldestCompose, oldestEngine, serviceOf({ ports })];
  try {
    using desk = new DockerStandIn([...machine, ...nothingRuns]);
    desk.write(
      join(desk.root, "compose.yaml"),
      `name: operator\n    ports: ["127.0.0.1:\${OPERATOR_NATS_PORT:-4222}:4222"]\n`,
    );
    const ended = await desk.deploy("up", "--json");
    expect(ended.code).toBe(69);
    expect(JSON.parse(ended.err)).toMatchObject({
      error: {
        code: "PORT_TAKEN",
        taken: [{ service: "nats", port: `127.0.0.1:${port}`, variable: "OPERATOR_NATS_PORT" }],
      },
    });
    expect(ended.err).toContain("set OPERATOR_NATS_PORT to a free port");
    // Only Linux says who it is.
    if (process.platform === "linux") expect(ended.err).toContain(`(process ${process.pid})`);

    using contained = new DockerStandIn([
      ...machine,
      { to: '"ps --filter publish="*', out: "somebodys-nats-1" },
      ...nothingRuns,
    ]);
    expect(inOneLine((await contained.deploy("up")).err)).toContain("is taken by the container somebodys-nats-1");

    // The project's own container is no obstacle: it comes to what is next.
    using own = new DockerStandIn([
      ...machine,
      { to: '*" ps --all "*', out: JSON.stringify([listed(port)]) },
      { to: '"inspect "*', out: JSON.stringify(inspected) },
      { to: '"image inspect "*', code: 1 },
      { to: '*" pull nats"', err: "no registry here", code: 1 },
    ]);
    expect(inOneLine((await own.deploy("up")).err)).toContain("`docker compose pull` failed: no registry here");
  } finally {
    server.close();
  }
});

const id = "0123456789ab";
const listed = (port: number) => ({
  ID: id,
  Name: "operator-nats-1",
  Service: "nats",
  Publishers: [{ URL: "127.0.0.1", TargetPort: 4222, PublishedPort: port, Protocol: "tcp" }],
});
const inspected = {
  id: `${id}cdef`,
  restarts: 0,
  created: "2026-11-21T14:37:13Z",
  state: {
    Status: "running",
    ExitCode: 0,
    OOMKilled: false,
    StartedAt: "2026-11-21T14:37:15Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  },
};

test.each([
  {
    gaveUpFor: "a reason of its own",
    says: "Error response from daemon: no space left on device",
    code: "COMPOSE_FAILED",
    words: "`docker compose up` failed: Error response from daemon: no space left on device",
  },
  {
    gaveUpFor: "a container",
    says: "dependency failed to start: container operator-nats-1 exited (137)",
    code: "UNHEALTHY",
    words: '"nats" isn\'t healthy: ended with 137',
  },
])("a container of before is blamed only when compose gave up for it: $gaveUpFor", async ({ says, code, words }) => {
  const ended = { ...inspected, state: { ...inspected.state, Status: "exited", ExitCode: 137 } };
  using desk = new DockerStandIn([
    oldestCompose,
    oldestEngine,
    serviceOf({}),
    { to: '*" ps --all "*', out: JSON.stringify(listed(4222)) },
    { to: '"inspect "*', out: JSON.stringify(ended) },
    { to: '"image inspect "*' },
    { to: '*" up --no-start "*' },
    { to: '*" up --detach "*', err: says, code: 1 },
    { to: '*" logs "*', out: "its last line" },
  ]);
  const { err } = await desk.deploy("up");
  expect(inOneLine(err)).toContain(words);
  expect(err).toContain(`[${code}]`);
});

test.each([
  {
    where: "this machine",
    info: { Name: hostname(), MemTotal: 1e18 },
    has: process.platform === "linux" ? "free" : "",
  },
  { where: "another machine", info: { Name: "elsewhere", MemTotal: 2_000_000_000 }, has: "2,000 MB in all" },
])("too little memory on $where is refused, with what is needed", async ({ info, has }) => {
  const config = serviceOf({ mem_limit: String(3e15) });
  using desk = new DockerStandIn([oldestCompose, engine(info), config, ...nothingRuns]);
  const ended = await desk.deploy("up");
  expect(ended.code).toBe(69);
  expect(inOneLine(ended.err)).toContain("uses about 1,000,000,000 MB of memory");
  expect(inOneLine(ended.err)).toContain(has);
  expect(ended.err).toContain("[MEMORY_SHORT]");
});

test("what is mistyped is refused before anything is started, with the nearest name", async () => {
  using desk = new DockerStandIn([oldestCompose, oldestEngine, serviceOf({}), ...nothingRuns]);
  for (const argv of [
    ["restart", "nast"],
    ["logs", "nast"],
    ["up", "--scale", "nast=2"],
  ]) {
    const ended = await desk.deploy(...argv);
    expect(ended.code).toBe(66);
    expect(inOneLine(ended.err)).toContain('no service "nast" (did you mean "nats"?): there are nats');
  }
  expect((await desk.deploy("up", "--scale", "nats")).err).toContain("service=n is wanted");
  expect((await desk.deploy("up", "--timeout", "1s")).err).toContain("from 5.0 s to 60 min");
  const missing = await desk.deploy("restart", "nats");
  expect(inOneLine(missing.err)).toContain('no container of "nats" is there to be restarted: operator deploy local up');
});

test("without containers the status says so", async () => {
  using desk = new DockerStandIn([oldestCompose, oldestEngine, serviceOf({}), ...nothingRuns]);
  expect(await desk.deploy("status")).toMatchObject({
    code: 0,
    out: expect.stringContaining("0 of 1 services are up"),
  });
  expect(JSON.parse((await desk.deploy("status", "--json")).out)).toMatchObject({
    project: "operator",
    services: [{ service: "nats", is: "coming", containers: [] }],
  });
});

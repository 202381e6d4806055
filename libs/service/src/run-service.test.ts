import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

let server: NatsServer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  server = await startProvisionedNats();
}, 30_000);
afterAll(() => server.stop());
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

test("a bad start names every bad variable with its value and ends with 78, and shows no secret", async () => {
  const service = start({
    OPERATOR_SUBJECT: "Not A Name",
    OPERATOR_HTTP_PORT: "99999",
    OPERATOR_NATS_PASSWORD: "",
    OPERATOR_LOG_LEVEL: "loud",
    FIXTURE_API_TOKEN: "hidden!",
    FIXTURE_TICK_MS: "-1",
  });
  expect(await service.end()).toBe(78);
  const lines = service.errors().split("\n");
  expect(lines).toContainEqual(expect.stringContaining(`OPERATOR_SUBJECT is "Not A Name"`));
  expect(lines).toContainEqual(expect.stringContaining(`OPERATOR_HTTP_PORT is "99999"`));
  expect(lines).toContainEqual(expect.stringContaining("OPERATOR_NATS_PASSWORD is not set"));
  expect(lines).toContainEqual(expect.stringContaining(`OPERATOR_LOG_LEVEL is "loud"`));
  expect(lines).toContainEqual(expect.stringContaining(`FIXTURE_TICK_MS is "-1"`));
  expect(lines).toContainEqual(expect.stringContaining("FIXTURE_API_TOKEN is [redacted]"));
  expect(service.errors()).not.toContain("hidden!");
});

test(
  "it answers health and metrics, reads what was sent, and ends with 0 soon after SIGTERM",
  { timeout: 30_000 },
  async () => {
    await using observer = await connectObserver();
    await observer.publish(flow.snapshot, snapshot("served", 1));
    const service = start({ OPERATOR_SUBJECT: "served" });
    const url = await service.readyUrl();
    await service.said((line) => line["msg"] === "snapshot" && line["n"] === 1);
    await expectSoon(async () => (await get(`${url}/readyz`)).status === 200);
    expect((await get(`${url}/healthz`)).status).toBe(200);
    expect((await get(`${url}/nothing`)).status).toBe(404);
    for (const wanted of [
      `operator_messages_in_total{channel="snapshot",service="checker"} 1`,
      `operator_handling_seconds_count{service="checker",channel="snapshot"} 1`,
      `operator_event_lag_seconds{channel="snapshot",service="checker"}`,
      `operator_bus_up{service="checker"} 1`,
      `operator_tick_failures_total{tick="beat",service="checker"} 1`,
      "process_resident_memory_bytes",
    ]) {
      let text = "";
      await expectSoon(
        async () => (text = (await get(`${url}/metrics`)).text).includes(wanted),
        () => `${wanted} in ${text}`,
      );
    }
    const stoppedAt = performance.now();
    service.child.kill("SIGTERM");
    expect(await service.end()).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    expect(service.lines().at(-1)).toMatchObject({ msg: "stopped" });
  },
);

test("who holds a connection open and asks nothing doesn't keep it from ending", { timeout: 30_000 }, async () => {
  const service = start({ OPERATOR_SUBJECT: "s" });
  const { hostname, port } = new URL(await service.readyUrl());
  const idle = connect(Number(port), hostname);
  idle.on("error", () => {});
  await once(idle, "connect");
  idle.write("GET /healthz HTTP/1.1\r\n");
  // An answer to another says that the half of a question has come too.
  expect((await get(`http://${hostname}:${port}/healthz`)).status).toBe(200);
  service.child.kill("SIGTERM");
  expect(await service.end()).toBe(0);
  idle.destroy();
});

test("no secret is in what it logs, wherever it stands in a line", { timeout: 30_000 }, async () => {
  const service = start({ OPERATOR_SUBJECT: "s", FIXTURE_API_TOKEN: "a-token-that-is-secret" });
  await service.said(({ msg }) => msg === "configured");
  expect(service.output()).toContain("[redacted]");
  expect(service.output()).not.toContain("a-token-that-is-secret");
  expect(service.output()).not.toContain(server.passwords.checker);
});

test("it isn't ready while the bus is away, and is again afterwards", { timeout: 60_000 }, async () => {
  await using own = await startProvisionedNats();
  const service = start({
    OPERATOR_SUBJECT: "s",
    OPERATOR_NATS_URL: own.url,
    OPERATOR_NATS_PASSWORD: own.passwords.checker,
  });
  const url = await service.readyUrl();
  await own.kill();
  await expectSoon(async () => {
    const { status, text } = await get(`${url}/readyz`);
    return status === 503 && text.includes("the bus is away");
  });
  expect((await get(`${url}/healthz`)).status).toBe(200);
  await own.restart();
  await expectSoon(async () => (await get(`${url}/readyz`)).status === 200);
});

test(
  "it waits for a bus that is away at its start, and can be stopped while it waits",
  { timeout: 30_000 },
  async () => {
    const service = start({ OPERATOR_SUBJECT: "s", OPERATOR_NATS_URL: "nats://127.0.0.1:1" });
    await service.said(({ msg }) => msg === "bus is away, waiting");
    service.child.kill("SIGTERM");
    expect(await service.end()).toBe(0);
  },
);

test("a wrong password ends it at once, and the log says which variable to look at", { timeout: 30_000 }, async () => {
  const service = start({ OPERATOR_SUBJECT: "s", OPERATOR_NATS_PASSWORD: "wrong" });
  expect(await service.end()).toBe(1);
  expect(service.output()).toContain("OPERATOR_NATS_PASSWORD");
});

test("a broken assumption in a handler ends it with 1", { timeout: 30_000 }, async () => {
  await using observer = await connectObserver();
  await observer.publish(flow.snapshot, snapshot("broken", 1));
  const service = start({ OPERATOR_SUBJECT: "broken", FIXTURE_FAULT: "throw" });
  expect(await service.end()).toBe(1);
  expect(service.lines()).toContainEqual(
    expect.objectContaining({ level: 60, err: expect.objectContaining({ message: "an assumption is broken" }) }),
  );
});

test("a run that ends by itself is a broken assumption", { timeout: 30_000 }, async () => {
  const service = start({ OPERATOR_SUBJECT: "s", FIXTURE_FAULT: "end" });
  expect(await service.end()).toBe(1);
  expect(service.output()).toContain("nobody asked it to stop");
});

test(
  "its compiled code is kept for the next start as soon as it's ready, also when it is killed",
  { timeout: 30_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "operator-compile-cache-"));
    try {
      const service = start({ OPERATOR_SUBJECT: "s", NODE_COMPILE_CACHE: folder });
      await service.readyUrl();
      await expectSoon(async () => (await readdir(folder, { recursive: true })).length > 20);
      service.child.kill("SIGKILL");
      await service.end();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

test("while it stops it isn't ready", { timeout: 30_000 }, async () => {
  const service = start({ OPERATOR_SUBJECT: "s", FIXTURE_FAULT: "hang" });
  const url = await service.readyUrl();
  service.child.kill("SIGTERM");
  await expectSoon(async () => (await get(`${url}/readyz`)).text.includes("stopping"));
});

test("one that doesn't stop is ended within 5 s, and by a second signal at once", { timeout: 30_000 }, async () => {
  const [patient, pressed] = [1, 2].map(() => start({ OPERATOR_SUBJECT: "s", FIXTURE_FAULT: "hang" }));
  if (!patient || !pressed) throw new Error("not started");
  await Promise.all([patient.readyUrl(), pressed.readyUrl()]);
  const stoppedAt = performance.now();
  for (const { child } of [patient, pressed]) child.kill("SIGINT");
  await pressed.said(({ msg }) => msg === "SIGINT, stopping");
  pressed.child.kill("SIGINT");
  expect(await pressed.end()).toBe(1);
  expect(pressed.output()).toContain("again, ending at once");
  expect(await patient.end()).toBe(1);
  expect(patient.output()).toContain("not stopped after");
  expect(performance.now() - stoppedAt).toBeLessThan(15_000);
});

function start(environment: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "service.fixture.ts")], {
    env: {
      PATH: process.env["PATH"],
      OPERATOR_NATS_URL: server.url,
      OPERATOR_NATS_PASSWORD: server.passwords.checker,
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const said = { output: "", errors: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.errors += text));
  const exited = once(child, "close");
  const lines = (): Record<string, unknown>[] =>
    said.output
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));
  const service = {
    child,
    lines,
    output: () => said.output,
    errors: () => said.errors,
    end: async () => {
      await exited;
      return child.exitCode;
    },
    said: async (wanted: (line: Record<string, unknown>) => boolean) => {
      await expectSoon(
        async () => lines().some(wanted),
        () => `${said.output}\n${said.errors}`,
      );
      return lines().find(wanted) ?? {};
    },
    readyUrl: async () => String((await service.said(({ msg }) => msg === "ready"))["http"]),
  };
  return service;
}

async function get(url: string) {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

async function expectSoon(condition: () => Promise<boolean>, about = () => condition.toString()) {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`didn't come true in 20 s: ${about()}`);
    await sleep(20);
  }
}

function connectObserver() {
  return Bus.connect({
    servers: server.url,
    user: "observer",
    password: server.passwords.observer,
    instance: InstanceName.parse("observer-1"),
  });
}

function snapshot(subject: string, n: number) {
  return Snapshot.parse({ subject, epoch: 1, n, atMs: Date.now(), cause: "rhythm", sources: {}, parts: {} });
}

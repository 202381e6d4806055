import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "@operator/stack/free-port";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { Desk, type Ended, until } from "../cli.fixture.ts";
import { Docker } from "../deploy/docker.ts";
import { findEngine } from "../deploy/engine.ts";
import type { DeployStatus } from "../deploy/status-page.ts";
import type { Shell } from "../shell.ts";

const docker = new Docker(process.env);
const why = await findEngine(docker).then(
  () => undefined,
  (error: unknown) => String(error),
);
if (why !== undefined) process.stdout.write(`deploy: skipped, ${why}\n`);

/** A project's root, its containers under a name of their own. */
class Lab extends Desk {
  readonly project = `operator-deploy-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  env: Record<string, string | undefined> = { ...process.env, COMPOSE_PROJECT_NAME: this.project };

  deploy(argv: readonly string[], given: Partial<Shell> = {}): Promise<Ended> {
    return this.run(["deploy", "local", ...argv], { env: this.env, ...given });
  }

  /** What the engine has of the project, by a format. */
  async left(kind: "container" | "volume" | "network"): Promise<string[]> {
    const all = kind === "container" ? ["--all"] : [];
    const filter = `label=com.docker.compose.project=${this.project}`;
    const { out } = await docker.ask([kind, "ls", "--quiet", ...all, "--filter", filter]);
    return out.split("\n").filter((line) => line !== "");
  }
}

describe.skipIf(why !== undefined)("services of a test", { timeout: 120_000 }, () => {
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(async () => {
    await lab.deploy(["down", "--volumes"]);
    lab[Symbol.dispose]();
  });

  /** One service beside one that is well; what it does is a shell's line. */
  const write = (does: string, more: readonly string[] = []) =>
    lab.write(
      join(lab.root, "compose.yaml"),
      [
        "name: operator",
        "services:",
        "  well:",
        "    image: nats:2.15-alpine",
        "    init: true",
        "    entrypoint: [sh, -c, sleep 1000]",
        "    volumes: [/data]",
        "  tried:",
        "    image: nats:2.15-alpine",
        "    init: true",
        `    entrypoint: [sh, -c, '${does}']`,
        ...more.map((line) => `    ${line}`),
        "",
      ].join("\n"),
    );

  test("one that is unhealthy is named, with the last lines it logged", async () => {
    write("for i in $$(seq 1 20); do echo line $$i; done; sleep 1000", [
      "healthcheck: { test: [CMD-SHELL, 'echo no answer; exit 1'], interval: 1s, retries: 2 }",
    ]);
    const ended = await lab.deploy(["up"]);
    expect(ended.code).toBe(5);
    expect(ended.err).toContain('"tried" isn\'t healthy: unhealthy: no answer');
    expect(ended.err).toContain("[UNHEALTHY]");
    expect(ended.err).toMatch(/the last lines of tried:\n {2}line 9\n(?: {2}line \d+\n)* {2}line 20\n/);
    expect(ended.err).not.toContain("line 8\n");
    expect(ended.out).toMatch(/well +(just started|running)/);
  });

  test("one that ends at once is told from one that is still starting", async () => {
    write("echo cannot begin; exit 3");
    expect(await lab.deploy(["up"])).toMatchObject({ code: 5, err: expect.stringContaining("cannot begin") });
    write("echo cannot begin; exit 3", ["restart: unless-stopped"]);
    const again = await lab.deploy(["up", "--json"]);
    expect(JSON.parse(again.err)).toMatchObject({
      error: { code: "UNHEALTHY", service: "tried", log: expect.arrayContaining(["cannot begin"]) },
    });
    expect(again.err).toContain("ended with 3");
  });

  test("a job that others wait for and that fails is named, not those who wait", async () => {
    write("exit 0", ["depends_on: { job: { condition: service_completed_successfully } }"]);
    const job = ["  job:", "    image: nats:2.15-alpine", "    entrypoint: [sh, -c, 'echo no key; exit 7']", ""];
    appendFileSync(join(lab.root, "compose.yaml"), job.join("\n"));
    const ended = await lab.deploy(["up"]);
    expect(ended.err).toContain('"job" isn\'t healthy: ended with 7');
    expect(ended.err).toContain("no key");
  });

  test("waiting has an end, and whoever doesn't want to wait leaves what runs", async () => {
    write("sleep 1000", ["healthcheck: { test: [CMD, 'false'], interval: 1s, start_period: 600s }"]);
    const also = [
      "  also:",
      "    image: nats:2.15-alpine",
      "    depends_on: { tried: { condition: service_healthy } }",
      "",
    ];
    appendFileSync(join(lab.root, "compose.yaml"), also.join("\n"));
    const late = await lab.deploy(["up", "--timeout", "5s"]);
    expect(late).toMatchObject({
      code: 5,
      err: expect.stringContaining('"tried" isn\'t healthy, 5.0 s after the start: starting; nor are also'),
    });

    const stop = new AbortController();
    let said = "";
    const out = (text: string) => void (said += text);
    const waiting = lab.deploy(["restart", "tried"], { out, signal: stop.signal });
    await until("it waits", () => said.includes("tried  ") || undefined);
    stop.abort();
    expect(await waiting).toMatchObject({ code: 130, err: "stopped waiting; what was restarted runs on\n" });
    expect(await lab.left("container")).toHaveLength(3);
  });

  test("down leaves nothing: no volume without a name, no service of a profile that isn't asked for any more", async () => {
    write("sleep 1000", ["profiles: [extra]", "volumes: [/data]"]);
    lab.env["COMPOSE_PROFILES"] = "extra";
    // The mini project has no context to end with; what matters here has been started by then.
    expect((await lab.deploy(["up"])).err).toContain("[CONTEXT_INVALID]");
    const containers = await lab.left("container");
    expect(containers).toHaveLength(2);
    const { out } = await docker.ask(["inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", ...containers]);
    const volumes = out.trim().split("\n");
    expect(volumes).toHaveLength(2);
    delete lab.env["COMPOSE_PROFILES"];
    const status: DeployStatus = JSON.parse((await lab.deploy(["status", "--json"])).out);
    expect(status.services.map(({ service, is }) => [service, is])).toEqual([
      ["tried", "up"],
      ["well", "up"],
    ]);
    expect(await lab.deploy(["down"])).toMatchObject({ code: 0, err: "" });
    expect(await lab.left("container")).toEqual([]);
    expect(await lab.left("network")).toEqual([]);
    expect((await docker.ask(["volume", "inspect", ...volumes])).out.trim()).toBe("[]");
  });
});

describe.skipIf(why !== undefined)("the whole of it", { timeout: 600_000 }, () => {
  const root = join(import.meta.dirname, "..", "..", "..");
  const lab = new Lab();
  const deploy = (...argv: string[]) => lab.deploy(argv, { root });
  afterAll(async () => {
    await deploy("down", "--volumes");
    lab[Symbol.dispose]();
  });

  test("up, what to try, status, a restart, logs, down", async () => {
    const [nats, prometheus] = await freePorts(2);
    lab.env = {
      ...lab.env,
      OPERATOR_TIKV: "simulator",
      OPERATOR_NATS_PORT: `${nats}`,
      OPERATOR_PROMETHEUS_PORT: `${prometheus}`,
      // The person's own context is left alone.
      OPERATOR_COMPOSE_FOLDER: lab.root,
    };
    const context = join(lab.root, "context.json");

    const up = await deploy("up", "--keep", "--scale", "diagnoser=2", "--json", "--timeout", "6m");
    expect(up, up.err).toMatchObject({ code: 0, err: "" });
    const events = linesOf(up.out);
    expect(events.at(-1)).toMatchObject({
      type: "ready",
      project: lab.project,
      endpoints: expect.arrayContaining([
        { service: "nats", url: `nats://127.0.0.1:${nats}` },
        { service: "prometheus", url: `http://127.0.0.1:${prometheus}` },
      ]),
    });
    expect(events).toContainEqual(expect.objectContaining({ type: "service", service: "provision", says: "done" }));

    // The commands that it says are commands that work.
    const status = await lab.run(["status", "--context", context, "--json"], { env: {} });
    expect(status, status.err).toMatchObject({ code: 0 });
    expect((await fetch(`http://127.0.0.1:${prometheus}/-/ready`)).status).toBe(200);
    const key = join(lab.root, "compose.pem");
    const mode = await lab.run(["mode", "execute", "--context", context, "--key", key, "--for", "1h", "--yes"], {
      env: { USER: "ada" },
    });
    expect(mode, mode.err).toMatchObject({ code: 0 });

    const statusNow = async (): Promise<DeployStatus> => JSON.parse((await deploy("status", "--json")).out);
    const before = await statusNow();
    expect(before.services.filter(({ is }) => is !== "up")).toEqual([]);
    expect(before.services.find(({ service }) => service === "nats")?.containers).toMatchObject([
      { state: "running", health: "healthy", restarts: 0, ports: [`127.0.0.1:${nats}`] },
    ]);
    const sinceOf = ({ services }: DeployStatus, name: string) =>
      services.find(({ service }) => service === name)?.containers[0]?.sinceMs ?? 0;
    expect(before.services.find(({ service }) => service === "diagnoser")?.containers).toHaveLength(2);
    // Again: its own ports are no obstacle, and nothing but the jobs is started anew.
    expect(await deploy("up", "--keep", "--scale", "diagnoser=2")).toMatchObject({ code: 0, err: "" });
    expect(sinceOf(await statusNow(), "nats")).toBe(sinceOf(before, "nats"));

    expect(await deploy("restart", "checker-ratelimiter")).toMatchObject({ code: 0, err: "" });
    const after = await statusNow();
    expect(sinceOf(after, "checker-ratelimiter")).toBeGreaterThan(sinceOf(before, "checker-ratelimiter"));
    expect(sinceOf(after, "ticketer")).toBe(sinceOf(before, "ticketer"));
    const logs = await deploy("logs", "checker-ratelimiter", "--tail", "50");
    expect(logs.out).toContain('"msg":"ready"');
    expect(logs.out).not.toMatch(/[^\P{Cc}\n]/u);

    const stop = new AbortController();
    let said = "";
    const out = (text: string) => void (said += text);
    const following = lab.deploy(["logs", "nats", "--follow"], { root, out, signal: stop.signal });
    await until("a line", () => said.includes("Server is ready") || undefined);
    stop.abort();
    expect(await following).toMatchObject({ code: 0, err: "" });

    const down = await deploy("down", "--json");
    expect(linesOf(down.out).at(-1)).toMatchObject({
      project: lab.project,
      keptVolumes: expect.arrayContaining([`${lab.project}_nats-data`]),
    });
    expect(await deploy("down", "--volumes")).toMatchObject({ code: 0, err: "" });
    for (const kind of ["container", "volume", "network"] as const) expect(await lab.left(kind)).toEqual([]);
  });
});

function linesOf(text: string): unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readInOrder } from "@operator/bus/read-in-order";
import { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ComposeStack, whyNoDocker } from "@operator/stack/compose-stack";
import { tellChaos } from "./tell-chaos.ts";
import { Witness } from "./witness.ts";

// The whole of it in containers, as `docker compose up` makes it: on a real engine, or not at all.

const why = whyNoDocker();
if (why !== undefined) process.stdout.write(`compose: skipped, ${why}\n`);

const subject = "ratelimiter";
const graceScale = 0.2;
/** The operator's own, all but the bus: each is killed once. */
const services = [
  "observer-ratelimiter",
  "checker-ratelimiter",
  "observer-tikv",
  "checker-tikv",
  "ticketer",
  "diagnoser",
  "actuator",
  "chaos",
  "supervisor",
];

describe.skipIf(why !== undefined)("docker compose up", () => {
  let stack: ComposeStack;
  let witness: Witness;
  const key = () => join(stack.folder, "compose.pem");

  beforeAll(async () => {
    process.stdout.write(`compose: graces and hold-downs are scaled by ${graceScale}\n`);
    stack = await ComposeStack.make({ OPERATOR_GRACE_SCALE: String(graceScale) });
    const started = performance.now();
    await stack.compose("up", "--detach", "--wait", "--wait-timeout", "150");
    process.stdout.write(`compose: all healthy ${((performance.now() - started) / 1_000).toFixed(1)} s after up\n`);
    witness = new Witness(await stack.connect(), subject);
  }, 300_000);
  afterAll(async () => {
    await witness?.[Symbol.asyncDispose]();
    await stack?.[Symbol.asyncDispose]();
  }, 120_000);

  const say = async (command: Record<string, unknown>) => await tellChaos(await stack.connect(), command);

  async function toolEvidence(): Promise<unknown[]> {
    const told: unknown[] = [];
    for await (const { received, caughtUp } of readInOrder(await stack.connect(), flow.toolEvidence, {
      from: "first",
      signal: AbortSignal.timeout(10_000),
    })) {
      told.push(...received.map(({ message }) => message));
      if (caughtUp) break;
    }
    return told;
  }

  async function actionOn(target: string, state: string): Promise<Action> {
    const bucket = await (await stack.connect()).bucket("actions", Action);
    const look = async () => {
      const actions = (await bucket.entries()).map(({ value }) => value);
      const found = actions.find((action) => action.proposal.target === target && action.state === state);
      if (found) return found;
      const seen = actions.map((action) => `${action.id} ${action.state}`).join(", ");
      throw new Error(`no action on ${target} is ${state}; there are: ${seen || "none"}`);
    };
    return await vi.waitFor(look, { timeout: 60_000, interval: 100 });
  }

  test("a message kills a node's container; it's seen, explained, and put right when somebody approves", async () => {
    await witness.allWell();
    await stack.operator("mode", "execute", "--key", key(), "--yes", "--reason", "the test's story");
    await say({ subject, fault: "kill_node", target: "node-b", ttlMs: 300_000 });
    await witness.opens("node_down", "node-b");
    await witness.until("diagnosed", () => witness.ticket("node_down", "node-b")?.diagnosis === "done");
    // What the killed container logged is in the case: the observer reads it where the nodes write it.
    const told = await toolEvidence();
    expect(JSON.stringify(told)).toContain("listening");
    const action = await actionOn("node-b", "proposed");
    expect(action.proposal.action).toBe("restart_node");
    await stack.operator("actions", "approve", action.id, "--key", key(), "--yes", "--wait");
    const ticket = await witness.closes("node_down", "node-b");
    expect(ticket.id).toBe("ratelimiter.node_down.node-b.1");
    expect(await actionOn("node-b", "verified")).toMatchObject({ id: action.id });
    await witness.allWell();
  }, 180_000);

  test("a node that is cut off Redis is told from a Redis that is down, and the cut ends by itself", async () => {
    await say({ subject, fault: "cut_redis", target: "node-a", ttlMs: 15_000 });
    await witness.opens("redis_disconnected", "node-a");
    // Who holds the fault's end dies as well; the next one ends it.
    const [supervisor = ""] = await stack.containers("supervisor");
    await stack.docker("kill", supervisor);
    await stack.compose("up", "--detach", "--no-recreate", "--wait", "supervisor");
    await witness.until("diagnosed", () => witness.ticket("redis_disconnected", "node-a")?.diagnosis === "done");
    const [cause] = witness.ticket("redis_disconnected", "node-a")?.attempts.at(-1)?.diagnosis?.answer.rootCauses ?? [];
    expect(cause).toMatchObject({ category: "unreachable", target: "node-a" });
    await witness.closes("redis_disconnected", "node-a");
    await witness.allWell();
  }, 180_000);

  test("three diagnosers share the work", async () => {
    await stack.compose("up", "--detach", "--no-recreate", "--wait", "--scale", "diagnoser=3");
    const before = witness.diagnoses.length;
    const nodes = ["node-a", "node-b", "node-c"];
    for (let round = 1; round <= 4; round++) {
      await stack.compose("kill", ...nodes);
      for (const node of nodes) {
        await witness.until(`${node} diagnosed`, () => {
          const ticket = witness.ticket("node_down", node);
          return ticket?.status === "open" && ticket.diagnosis === "done";
        });
      }
      await stack.compose("start", ...nodes);
      for (const node of nodes) await witness.closes("node_down", node);
      if (workers().size > 1) break;
    }
    expect(workers().size, [...workers()].join(", ")).toBeGreaterThan(1);
    // Each attempt once, whoever made it.
    const finished = witness.diagnoses.filter(({ phase }) => phase === "finished");
    const attempts = finished.map(({ ticket, attempt }) => `${ticket}:${attempt}`);
    expect(attempts).toHaveLength(new Set(attempts).size);

    function workers(): Set<string> {
      return new Set(witness.diagnoses.slice(before).map(({ by }) => by));
    }
  }, 300_000);

  test("every container of the operator is killed once, and the loop goes on", async () => {
    await witness.allWell();
    for (const service of services) {
      const [container = ""] = await stack.containers(service);
      await stack.docker("kill", container);
      // What is killed through the engine stays down: the engine takes it for somebody's wish.
      await stack.compose("up", "--detach", "--no-recreate", "--wait", service);
    }
    await witness.allWell();
    const generation = witness.ticket("node_down", "node-c")?.generation ?? 0;
    await stack.compose("kill", "node-c");
    await witness.until("a new ticket, diagnosed", () => {
      const ticket = witness.ticket("node_down", "node-c");
      return ticket?.generation === generation + 1 && ticket.diagnosis === "done";
    });
    await stack.compose("start", "node-c");
    await witness.closes("node_down", "node-c");
  }, 300_000);

  test("no secret stands in any container's settings, and each is mounted by its own service alone", async () => {
    const ids = (await stack.compose("ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
    const inspected = await stack.docker("inspect", ...ids);
    const { passwords } = stack.context();
    const privateKey = readFileSync(key(), "utf8").split("\n")[1] ?? "";
    const token = await stack.compose("exec", "-T", "node-a", "cat", "/run/secrets/management-token");
    for (const secret of [passwords.cli, passwords.watch, privateKey, token.trim()]) {
      expect(secret.length).toBeGreaterThan(15);
      expect(inspected).not.toContain(secret);
    }
    for (const service of ["ticketer", "diagnoser", "checker-ratelimiter", "observer-ratelimiter"]) {
      const files = await stack.compose("exec", "-T", service, "ls", "/run/secrets");
      expect(files.trim(), service).toBe("nats-password");
    }
  }, 60_000);

  test("only the supervisor has Docker's socket, and it has no network", async () => {
    const ids = (await stack.compose("ps", "--quiet")).split("\n").filter((id) => id !== "");
    const format =
      '{{index .Config.Labels "com.docker.compose.service"}} {{.HostConfig.NetworkMode}} {{range .Mounts}}{{.Source}},{{end}}';
    const lines = (await stack.docker("inspect", "--format", format, ...ids)).trim().split("\n");
    const holders = lines.filter((line) => line.includes("docker.sock"));
    expect(holders).toHaveLength(1);
    expect(holders[0]).toMatch(/^supervisor none /);
  });

  test("down leaves nothing behind", async () => {
    await witness[Symbol.asyncDispose]();
    await stack.down();
    expect(await stack.leftovers()).toEqual([]);
  }, 120_000);
});

import { freePorts } from "@operator/stack/free-port";
import { Program } from "@operator/stack/program";
import { findServers } from "@operator/stack/servers";
import { Stack } from "@operator/stack/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openProxy, type Proxy } from "./proxy.ts";
import { Witness } from "./witness.ts";

// Invariants of what nodes say of themselves fire, hold while that is late, and clear: real processes, a real Redis, the real wire.

const graceScale = 0.2;
let stack: Stack;
let witness: Witness;
let toRedis: Proxy;
let toNodeB: Proxy;
let redisPort = 0;

beforeAll(async () => {
  console.log(`graces and hold-downs are scaled by ${graceScale}`);
  const [redisProxyPort = 0, nodeBProxyPort = 0] = await freePorts(2);
  let nodeBPort = 0;
  stack = await Stack.start({
    subject: "ratelimiter",
    graceScale,
    adjust: (spec, ports) => {
      redisPort = ports["redis"] ?? 0;
      nodeBPort = ports["node-b"] ?? 0;
      if (spec.target !== "node-a") return spec;
      // node-a reaches Redis through a proxy, and waits for a slow one instead of giving up.
      const environment = {
        ...spec.environment,
        RATELIMITER_REDIS_URL: `redis://127.0.0.1:${redisProxyPort}`,
        RATELIMITER_COMMAND_TIMEOUT_MS: "1000",
      };
      return { ...spec, environment };
    },
    // The observer reaches node-b through a proxy.
    adjustEnvironment: (environment, ports) => ({
      ...environment,
      RATELIMITER_NODES: (environment["RATELIMITER_NODES"] ?? "").replace(`:${ports["node-b"]}`, `:${nodeBProxyPort}`),
    }),
    onUp: (part) => {
      if (part === "redis") void openProxy(redisProxyPort, redisPort).then((proxy) => (toRedis = proxy));
      if (part === "node-b") void openProxy(nodeBProxyPort, nodeBPort).then((proxy) => (toNodeB = proxy));
    },
  });
  witness = new Witness(await stack.connect("cli"), stack.subject);
  await witness.allWell();
}, 120_000);

afterAll(async () => {
  await witness?.[Symbol.asyncDispose]();
  await stack?.stop();
  await toRedis?.[Symbol.asyncDispose]();
  await toNodeB?.[Symbol.asyncDispose]();
});

/** Fires; with the node paused its metrics are late, so it's blind; let go on it fires again; mended it clears. */
async function throughLateMetrics(
  invariant: string,
  node: string,
  breakIt: () => Promise<void>,
  mend: () => Promise<void>,
) {
  await breakIt();
  await witness.opens(invariant, node);
  stack.member(node).signal("SIGSTOP");
  const blind = await witness.reaches(invariant, node, "blind").finally(() => stack.member(node).signal("SIGCONT"));
  expect(witness.ticket(invariant, node)?.status).toBe("open");
  await witness.reaches(invariant, node, "firing", blind.asOf);
  await mend();
  await witness.reaches(invariant, node, "cleared", blind.asOf);
  expect((await witness.closes(invariant, node)).closedBy).toBe("observation");
  await witness.allWell();
}

test("redis_disconnected: one node cut off from a Redis that's up", async () => {
  await throughLateMetrics(
    "redis_disconnected",
    "node-a",
    () => toRedis.cut(),
    () => toRedis.mend(),
  );
});

test("high_latency: one node behind a slow way to Redis", async () => {
  const slow = async () => void (toRedis.delayMs = 150);
  const quick = async () => void (toRedis.delayMs = 0);
  await throughLateMetrics("high_latency", "node-a", slow, quick);
});

test("ghost_allowing: a node counts in another Redis than the rest", async () => {
  const [port = 0] = await freePorts(1);
  const { "redis-server": server } = await findServers(["redis-server"]);
  const other = await Program.start({
    name: "other-redis",
    file: server.file,
    arguments: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    environment: server.env,
    logFile: stack.logFile("other-redis"),
    ready: { port },
  });
  const lead = async (towards: number) => {
    await toRedis.cut();
    toRedis.towards = towards;
    await toRedis.mend();
  };
  const before = new Set(witness.ticketIds());
  try {
    await throughLateMetrics(
      "ghost_allowing",
      "node-a",
      () => lead(port),
      () => lead(redisPort),
    );
    const opened = witness.ticketIds().filter((id) => !before.has(id));
    expect(
      opened.filter((id) => id.includes(".over_admission.")),
      "it has one ticket, its own",
    ).toEqual([]);
  } finally {
    await other.kill();
  }
});

test("source_blind: a node that works, but whose metrics can't be read", async () => {
  toNodeB.refuses = "/metrics";
  const firing = await witness.reaches("source_blind", "metrics-node-b", "firing");
  expect(firing.detail).toMatchObject({ kind: "blind", source: "metrics", about: "node-b" });
  await witness.until("its ticket", () => witness.ticket("source_blind", "metrics-node-b")?.status === "open");
  toNodeB.refuses = undefined;
  await witness.reaches("source_blind", "metrics-node-b", "cleared", firing.asOf);
  expect((await witness.closes("source_blind", "metrics-node-b")).closedBy).toBe("observation");
});

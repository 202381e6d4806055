import { freePorts } from "@operator/stack/free-port";
import { Program } from "@operator/stack/program";
import { findServers } from "@operator/stack/servers";
import { Stack } from "@operator/stack/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openProxy, type Proxy } from "./proxy.ts";
import { Witness } from "./witness.ts";

// Each invariant fires, holds through a blind source, and clears: real processes, a real Redis, the real wire.

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
    counts: { chaos: 1 },
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

const reaches = (invariant: string, target: string, state: string, after = 0) =>
  witness.until(
    `${invariant} of ${target} ${state}`,
    () => {
      const found = witness.violation(invariant, target);
      return found?.state === state && found.asOf > after && found;
    },
    60_000,
  );

const closes = (invariant: string, target: string) =>
  witness.until(
    `the ticket of ${invariant} ${target} closed`,
    () => {
      const ticket = witness.ticket(invariant, target);
      return ticket?.status === "closed" && ticket;
    },
    60_000,
  );

/** Fires and has an open ticket; shortly after something that explains it, that takes until the explanation has run out. */
const opens = async (invariant: string, target: string) => {
  await reaches(invariant, target, "firing");
  await witness.until(
    `a ticket of ${invariant} ${target}`,
    () => witness.ticket(invariant, target)?.status === "open",
    30_000,
  );
};

/** Fires; with the observer killed it's blind and the ticket stays open; with an observer back it fires again; mended it clears. */
async function throughAnObserversDeath(
  invariant: string,
  target: string,
  breakIt: () => Promise<void>,
  mend: () => Promise<void>,
) {
  await breakIt();
  await opens(invariant, target);
  await stack.service("observer-1").kill();
  const blind = await reaches(invariant, target, "blind");
  expect(witness.ticket(invariant, target)?.status).toBe("open");
  await stack.startService("observer", "observer-1");
  await reaches(invariant, target, "firing", blind.asOf);
  await mend();
  await reaches(invariant, target, "cleared", blind.asOf);
  expect((await closes(invariant, target)).closedBy).toBe("observation");
  await witness.allWell();
}

/** Fires; with the node paused its metrics are late, so it's blind; let go on it fires again; mended it clears. */
async function throughLateMetrics(
  invariant: string,
  node: string,
  breakIt: () => Promise<void>,
  mend: () => Promise<void>,
) {
  await breakIt();
  await opens(invariant, node);
  stack.member(node).signal("SIGSTOP");
  const blind = await reaches(invariant, node, "blind").finally(() => stack.member(node).signal("SIGCONT"));
  expect(witness.ticket(invariant, node)?.status).toBe("open");
  await reaches(invariant, node, "firing", blind.asOf);
  await mend();
  await reaches(invariant, node, "cleared", blind.asOf);
  expect((await closes(invariant, node)).closedBy).toBe("observation");
  await witness.allWell();
}

test("node_down and observer_silent: a killed node stays broken while the observer is dead", async () => {
  const node = stack.member("node-c");
  await throughAnObserversDeath(
    "node_down",
    "node-c",
    () => node.kill(),
    () => node.restart(),
  );
  expect((await closes("observer_silent", "observer")).closedBy).toBe("observation");
});

test("redis_down: a killed Redis stays broken while the observer is dead, and its symptoms open no ticket", async () => {
  const before = new Set(witness.ticketIds());
  const redis = stack.member("redis");
  await throughAnObserversDeath(
    "redis_down",
    "redis",
    () => redis.kill(),
    () => redis.restart(),
  );
  const opened = witness
    .ticketIds()
    .filter((id) => !before.has(id))
    .map((id) => id.replace(/\.\d+$/, ""));
  expect(opened.toSorted()).toEqual(["ratelimiter.observer_silent.observer", "ratelimiter.redis_down.redis"]);
});

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

/** Has chaos make a fault of this target, whose end is far away, and gives what takes it back. */
async function chaos(fault: string, target: string) {
  const id = `${fault}-${target}`;
  const { connection } = (await stack.connect("cli")).link;
  const say = async (command: object) => {
    connection.publish("operator.chaos.commands", JSON.stringify(command));
    await connection.flush();
  };
  return {
    begin: () => say({ subject: "ratelimiter", fault, target, id, ttlMs: 300_000 }),
    end: () => say({ revert: id }),
  };
}

test("counter_drift: hits that no node admitted", async () => {
  const forged = await chaos("forge_counters", "key-load-1");
  await throughAnObserversDeath("counter_drift", "key-load-1", forged.begin, forged.end);
});

test("over_admission: a wrong limit is stored for a key that is asked for more often", async () => {
  const wrong = await chaos("wrong_limit", "key-load-0");
  await throughAnObserversDeath("over_admission", "key-load-0", wrong.begin, wrong.end);
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
  try {
    await throughLateMetrics(
      "ghost_allowing",
      "node-a",
      () => lead(port),
      () => lead(redisPort),
    );
  } finally {
    await other.kill();
  }
});

test("source_blind: a node that works, but whose metrics can't be read", async () => {
  toNodeB.refuses = "/metrics";
  const firing = await reaches("source_blind", "metrics-node-b", "firing");
  expect(firing.detail).toMatchObject({ kind: "blind", source: "metrics", about: "node-b" });
  await witness.until("its ticket", () => witness.ticket("source_blind", "metrics-node-b")?.status === "open");
  toNodeB.refuses = undefined;
  await reaches("source_blind", "metrics-node-b", "cleared", firing.asOf);
  expect((await closes("source_blind", "metrics-node-b")).closedBy).toBe("observation");
});

test("checker_silent: without verdicts the ticketer opens a ticket itself, and closes it when they return", async () => {
  await stack.service("checker-1").kill();
  await witness.until(
    "a ticket for the silence",
    () => witness.ticket("checker_silent", "checker")?.status === "open",
    30_000,
  );
  await stack.startService("checker", "checker-1");
  expect((await closes("checker_silent", "checker")).closedBy).toBe("observation");
});

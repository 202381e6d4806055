import { execFileSync } from "node:child_process";
import { freePorts } from "@operator/stack/free-port";
import { Stack } from "@operator/stack/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openProxy, type Proxy } from "./proxy.ts";
import { Witness } from "./witness.ts";

// Silence is not health: with a node down, each source and each service goes silent in turn. Nothing clears, the silence
// itself is a ticket, and there is no storm of symptoms.

const graceScale = 0.2;
let stack: Stack;
let witness: Witness;
const proxies: Record<string, Proxy> = {};

beforeAll(async () => {
  console.log(`graces and hold-downs are scaled by ${graceScale}`);
  const [redis = 0, nodeB = 0, nodeC = 0] = await freePorts(3);
  const proxied = { redis, "node-b": nodeB, "node-c": nodeC };
  const targets: Record<string, number> = {};
  stack = await Stack.start({
    subject: "ratelimiter",
    graceScale,
    // The observer alone goes through the proxies: what it can't see still works.
    adjustEnvironment: (environment, ports) => {
      Object.assign(targets, ports);
      const through = (text: string) =>
        Object.entries(proxied).reduce((all, [name, port]) => all.replace(`:${ports[name]}`, `:${port}`), text);
      return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, through(value)]));
    },
    onUp: (part) => {
      const port = Object.entries(proxied).find(([name]) => name === part)?.[1];
      if (port === undefined) return;
      void openProxy(port, targets[part] ?? 0).then((proxy) => (proxies[part] = proxy));
    },
  });
  witness = new Witness(await stack.connect("cli"), stack.subject);
  await witness.allWell();
  await stack.member("node-a").kill();
  await witness.until("a ticket", () => witness.ticket("node_down", "node-a")?.diagnosis === "done");
}, 120_000);

afterAll(async () => {
  await witness?.[Symbol.asyncDispose]();
  await stack?.stop();
  for (const proxy of Object.values(proxies)) await proxy[Symbol.asyncDispose]();
});

const isOpen = () => witness.ticket("node_down", "node-a")?.status === "open";
const opened = () => new Set(witness.ticketIds().map((id) => id.split(".").slice(1, 3).join(" ")));

/** Silences something, waits for the tickets that say so, and for nothing else; then mends it and waits for their end. */
async function silence(expected: string[], hush: () => Promise<void>, mend: () => Promise<void>) {
  const before = opened();
  await hush();
  const isTicketed = (name: string) => {
    const [invariant = "", target = ""] = name.split(" ");
    return witness.ticket(invariant, target)?.status === "open";
  };
  await witness.until(`tickets for ${expected.join(", ")}`, () => expected.every(isTicketed), 45_000);
  await witness.throughout("the node's ticket stays open", isOpen, 3_000);
  expect([...opened()].filter((name) => !before.has(name)).toSorted()).toEqual(expected.toSorted());
  await mend();
  await witness.until("the silence's tickets closed", () => !expected.some(isTicketed), 45_000);
  expect(isOpen()).toBe(true);
}

test("metrics: one ticket for the whole source, though it lost every node", async () => {
  const nodes = ["node-b", "node-c"].map((name) => proxies[name]);
  const refuse = (text: string | undefined) => async () => {
    for (const proxy of nodes) if (proxy) proxy.refuses = text;
  };
  await silence(["source_blind metrics"], refuse("/metrics"), refuse(undefined));
});

test("every source that asks Redis: it answers, but not what they ask, and each is one ticket", async () => {
  // Their commands hold a `$`, as every RESP string does; the probe's inline PING doesn't, and goes through.
  const proxy = proxies["redis"];
  if (!proxy) throw new Error("no proxy before Redis");
  const refuse = (text: string | undefined) => async () => void (proxy.refuses = text);
  await silence(
    [
      "source_blind counters",
      "source_blind limits-cluster",
      "source_blind redis-redis",
      "source_blind registry-cluster",
    ],
    refuse("$"),
    refuse(undefined),
  );
});

test("probe: an observer out of sockets knows nothing of a node whose connection broke, and doesn't call it down", async () => {
  const proxy = proxies["node-b"];
  if (!proxy) throw new Error("no proxy before node-b");
  const { pid } = stack.service("observer-1");
  const limitSockets = (soft: string) => void execFileSync("prlimit", ["--pid", String(pid), `--nofile=${soft}:`]);
  await silence(
    // node-a is down, so asking it takes a new socket each time.
    ["source_blind metrics-node-b", "source_blind probe-node-a", "source_blind probe-node-b"],
    async () => {
      limitSockets("1");
      await proxy.cut();
      await proxy.mend();
      await witness.until(
        "the node's violation is held",
        () => witness.violation("node_down", "node-a")?.state === "blind",
      );
    },
    async () => limitSockets("1024"),
  );
});

test("the observer: the node comes back unseen, and only an observer's own eyes close its ticket", async () => {
  const node = stack.member("node-a");
  await silence(
    ["observer_silent observer"],
    async () => {
      await stack.service("observer-1").kill();
      await node.restart();
    },
    async () => {
      // Down again before anyone looks: what was well in between was never seen.
      await node.kill();
      await stack.startService("observer", "observer-1");
    },
  );
});

test("the checker: the node comes back unjudged, and its ticket closes only by fresh verdicts", async () => {
  await stack.service("checker-1").kill();
  await stack.member("node-a").restart();
  await witness.until("a ticket", () => witness.ticket("checker_silent", "checker")?.status === "open", 30_000);
  await witness.throughout("the node's ticket stays open", isOpen, 3_000);
  await stack.startService("checker", "checker-1");
  await witness.until(
    "the silence's ticket closed",
    () => witness.ticket("checker_silent", "checker")?.status === "closed",
  );
  const closed = await witness.until("the node's ticket closed", () => {
    const ticket = witness.ticket("node_down", "node-a");
    return ticket?.status === "closed" && ticket;
  });
  expect(closed).toMatchObject({ generation: 1, closedBy: "observation" });
});

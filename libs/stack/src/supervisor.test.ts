import { once } from "node:events";
import { connect } from "node:net";
import { FaultId } from "@operator/contracts/chaos";
import { actuatorClient, chaosClient } from "@operator/supervisor/client";
import { expect, test, vi } from "vitest";
import { Stack } from "./stack.ts";

const none = { observer: 0, checker: 0, ticketer: 0, diagnoser: 0 };

test("the stack's members are killed, paused and started through its supervisor, and by others beside it", async () => {
  await using stack = await Stack.start({ subject: "ratelimiter", counts: none, load: false });
  await using chaos = chaosClient(stack.supervisor.sockets.chaos);
  await using actuator = actuatorClient(stack.supervisor.sockets.actuator);
  const memberNamed = async (target: string) => (await chaos.list()).find((member) => member.target === target);

  expect(await chaos.list()).toEqual([
    { target: "redis", kind: "redis", state: "running" },
    ...["node-a", "node-b", "node-c"].map((target) => ({ target, kind: "node", state: "running" })),
  ]);

  // Killed for a second: its port is gone, and it answers again when it's back.
  const livez = new URL("/livez", urlOf(stack, "node-a"));
  await chaos.kill("node-a", { fault: FaultId.parse("k1"), forMs: 1_000 });
  await expect(fetch(livez)).rejects.toThrow();
  expect(await memberNamed("node-a")).toMatchObject({ state: "stopped", fault: { id: "k1" } });
  await vi.waitUntil(async () => (await memberNamed("node-a"))?.fault === undefined, { timeout: 20_000 });
  expect((await fetch(livez)).status).toBe(200);

  // By a signal from elsewhere.
  stack.member("node-b").signal("SIGSTOP");
  await vi.waitUntil(async () => (await memberNamed("node-b"))?.state === "paused", { timeout: 5_000 });
  await expect(actuator.start("node-b")).rejects.toMatchObject({ code: "MEMBER_PAUSED" });
  stack.member("node-b").signal("SIGCONT");
  await stack.member("node-c").kill();
  expect(await memberNamed("node-c")).toEqual({ target: "node-c", kind: "node", state: "stopped" });
  expect(await actuator.start("node-c")).toEqual({ already: false });
  expect((await fetch(new URL("/livez", urlOf(stack, "node-c")))).status).toBe(200);

  // A server that isn't Node's is paused by the same verb.
  await chaos.pause("redis", { fault: FaultId.parse("p1"), forMs: 60_000 });
  expect(await memberNamed("redis")).toMatchObject({ state: "paused" });
  await stack.supervisor.close();
  expect(await ping(stack.environment["RATELIMITER_REDIS_URL"] ?? "")).toBe("+PONG\r\n");
});

async function ping(redisUrl: string): Promise<string> {
  const { port, hostname } = new URL(redisUrl);
  const socket = connect(Number(port), hostname);
  socket.write("PING\r\n");
  const [answer] = await once(socket, "data", { signal: AbortSignal.timeout(5_000) });
  socket.destroy();
  return String(answer);
}

function urlOf(stack: Stack, node: string): string {
  const url = new Map(
    (stack.environment["RATELIMITER_NODES"] ?? "").split(",").map((pair) => {
      const [name = "", url = ""] = pair.split("=");
      return [name, url];
    }),
  ).get(node);
  if (url === undefined) throw new Error(`no URL of ${node}`);
  return url;
}

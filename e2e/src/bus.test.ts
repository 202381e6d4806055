import { Stack } from "@operator/stack/stack";
import { expect, test } from "vitest";
import { Witness } from "./witness.ts";

// The bus itself dies, in the middle and at the start.

test("nats-server is killed and restarted between the fault and its ticket: one ticket, diagnosed, closed", async () => {
  await using stack = await Stack.start({ subject: "ratelimiter" });
  await using witness = new Witness(await stack.connect("cli"), stack.subject);
  await witness.allWell();
  const node = stack.member("node-a");
  // The bus dies first, so that nobody can have said anything about the node yet.
  await stack.nats.kill("SIGKILL");
  await node.kill();
  await stack.nats.restart();
  const ticket = await witness.until("diagnosed", () => {
    const found = witness.ticket("node_down", "node-a");
    return found?.diagnosis === "done" && found;
  });
  expect(ticket.attempts).toHaveLength(1);
  await stack.nats.kill("SIGKILL");
  await stack.nats.restart();
  await node.restart();
  await witness.until("closed", () => witness.ticket("node_down", "node-a")?.status === "closed", 60_000);
  const stored = await witness.stored();
  expect(stored.filter(({ invariant }) => invariant === "node_down").map(({ id }) => id)).toEqual([
    "ratelimiter.node_down.node-a.1",
  ]);
});

test("services that start while the bus is away wait for it, and then see what is broken", async () => {
  await using stack = await Stack.start({
    subject: "ratelimiter",
    counts: { observer: 0, checker: 0, ticketer: 0, diagnoser: 0 },
  });
  await stack.member("node-a").kill();
  await stack.nats.kill("SIGKILL");
  const starting = (["observer", "checker", "ticketer", "diagnoser"] as const).map((service) =>
    stack.startService(service, `${service}-1`),
  );
  await stack.nats.restart();
  await Promise.all(starting);
  await using witness = new Witness(await stack.connect("cli"), stack.subject);
  const ticket = await witness.until("diagnosed", () => {
    const found = witness.ticket("node_down", "node-a");
    return found?.diagnosis === "done" && found;
  });
  expect(ticket.status).toBe("open");
});

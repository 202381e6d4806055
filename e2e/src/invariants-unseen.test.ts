import { Stack } from "@operator/stack/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { longFault } from "./tell-chaos.ts";
import { Witness } from "./witness.ts";

// Invariants of what is seen from outside fire, hold while nobody looks, and clear: real processes, a real Redis, the real wire.

const graceScale = 0.2;
let stack: Stack;
let witness: Witness;

beforeAll(async () => {
  console.log(`graces and hold-downs are scaled by ${graceScale}`);
  stack = await Stack.start({ subject: "ratelimiter", graceScale, counts: { chaos: 1 } });
  witness = new Witness(await stack.connect("cli"), stack.subject);
  await witness.allWell();
}, 120_000);

afterAll(async () => {
  await witness?.[Symbol.asyncDispose]();
  await stack?.stop();
});

/** Fires; with the observer killed it's blind and the ticket stays open; with an observer back it fires again; mended it clears. */
async function throughAnObserversDeath(
  invariant: string,
  target: string,
  breakIt: () => Promise<void>,
  mend: () => Promise<void>,
) {
  await breakIt();
  await witness.opens(invariant, target);
  await stack.service("observer-1").kill();
  const blind = await witness.reaches(invariant, target, "blind");
  expect(witness.ticket(invariant, target)?.status).toBe("open");
  await stack.startService("observer", "observer-1");
  await witness.reaches(invariant, target, "firing", blind.asOf);
  await mend();
  await witness.reaches(invariant, target, "cleared", blind.asOf);
  expect((await witness.closes(invariant, target)).closedBy).toBe("observation");
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
  expect((await witness.closes("observer_silent", "observer")).closedBy).toBe("observation");
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

/** Has chaos make a fault of this target, whose end is far away, and gives what takes it back. */
async function chaos(fault: string, target: string, parameters: Record<string, number> = {}) {
  return longFault(await stack.connect("cli"), { subject: "ratelimiter", fault, target, parameters });
}

test("counter_drift: hits that no node admitted", async () => {
  const forged = await chaos("forge_counters", "key-load-1");
  await throughAnObserversDeath("counter_drift", "key-load-1", forged.begin, forged.end);
});

test("over_admission: a wrong limit is stored for a key that is asked for more often", async () => {
  const wrong = await chaos("wrong_limit", "key-load-0");
  await throughAnObserversDeath("over_admission", "key-load-0", wrong.begin, wrong.end);
});

test("limit_differs: a limit that is too low is stored for a key", async () => {
  const low = await chaos("wrong_limit", "key-load-1", { limit: 1 });
  await throughAnObserversDeath("limit_differs", "key-load-1", low.begin, low.end);
});

test("checker_silent: without verdicts the ticketer opens a ticket itself, and closes it when they return", async () => {
  await stack.service("checker-1").kill();
  await witness.until(
    "a ticket for the silence",
    () => witness.ticket("checker_silent", "checker")?.status === "open",
    30_000,
  );
  await stack.startService("checker", "checker-1");
  expect((await witness.closes("checker_silent", "checker")).closedBy).toBe("observation");
});

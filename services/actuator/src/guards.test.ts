import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Action } from "@operator/contracts/action";
import { controlKey } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import { readInOrder } from "@operator/bus/read-in-order";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Acting, type Person } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let staged: Staged;
let ada: Person;
beforeAll(async () => {
  staged = await Staged.start();
  acting = await Acting.at(staged);
  ada = acting.person("ada");
  // Two: each step, claim and effect is made by one of them.
  await Promise.all([acting.actuator(), acting.actuator()]);
  await acting.execute(ada);
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

let n = 0;
async function broken(): Promise<{ node: string; ticket: Ticket }> {
  const node = `node-${++n}`;
  return { node, ticket: await staged.broken(node) };
}
const restart = (target: string) => ({ action: "restart_node", target, parameters: {} });

/** The node's action executed, the checker's word still to come. */
async function executed(): Promise<{ node: string; ticket: Ticket; action: Action }> {
  const { node, ticket } = await broken();
  const action = await acting.proposed(ticket, restart(node));
  await acting.say(ada, action);
  return { node, ticket, action: await acting.action(action.id, "executed") };
}

/** Lets the time for verifying be over, as waiting would. */
async function verifyNow({ id }: Action): Promise<void> {
  const actions = await (await staged.connect("actuator")).bucket("actions", Action);
  await actions.change(id, (now) => now && { ...now, verifyByMs: Date.now() - 1 });
}

test("of two actuators one claims, and there is one effect and one event per state", async () => {
  const { node, action } = await executed();
  await staged.say(node, { state: "cleared" });
  const verified = await acting.action(action.id, "verified");
  expect(verified.steps.map(({ state }) => state)).toEqual(["proposed", "approved", "claimed", "executed", "verified"]);
  expect(staged.startsOf(node)).toBe(1);
  const states = await acting.until("the events", async () => {
    const events = await eventsOf(action);
    return events.length >= verified.steps.length ? events : undefined;
  });
  expect(states).toEqual(verified.steps.map(({ state }) => state));
  await acting.settled();
});

async function eventsOf({ id }: Action): Promise<string[]> {
  const events: Action[] = [];
  for await (const batch of readInOrder(acting.cli, flow.action, {
    from: "first",
    signal: AbortSignal.timeout(9_000),
  })) {
    events.push(...batch.received.map(({ message }) => message));
    if (batch.caughtUp) break;
  }
  return events.filter((event) => event.id === id).map(({ state }) => state);
}

test("only a cleared as of a time after the effect verifies", async () => {
  const { node, action } = await executed();
  await staged.say(node, { state: "cleared", asOf: (action.effectFromMs ?? 0) - 1 });
  await acting.beats();
  expect((await acting.actions.get(action.id))?.value.state).toBe("executed");
  await staged.say(node, { state: "blind", asOf: Date.now() });
  await acting.beats();
  expect((await acting.actions.get(action.id))?.value.state).toBe("executed");
  await staged.say(node, { state: "cleared" });
  await acting.action(action.id, "verified");
});

test("what clears before whoever acted has heard that it's done is verified all the same", async () => {
  staged.slowS.set(`node-${n + 1}`, 4);
  const { node, ticket } = await broken();
  const action = await acting.proposed(ticket, restart(node));
  await acting.say(ada, action);
  await acting.action(action.id, "claimed");
  // Of a moment within the start, which begins soon after the claim and takes 4 s.
  await staged.say(node, { state: "cleared", asOf: Date.now() + 2_000 });
  expect((await acting.actions.get(action.id))?.value.state).toBe("claimed");
  await acting.action(action.id, "verified");
});

test("what isn't cleared in time is unverified, and a person has to look", async () => {
  const { action } = await executed();
  await verifyNow(action);
  expect(await acting.action(action.id, "unverified")).toMatchObject({ escalated: true });
});

test("nothing is begun while the ticket is held, and an approval that runs out meanwhile is nothing", async () => {
  const { node, ticket } = await broken();
  const action = await acting.proposed(ticket, restart(node));
  await staged.change(ticket, { held: true });
  await acting.say(ada, action, { change: (said) => ({ ...said, expiresAtMs: said.issuedAtMs + 2_500 }) });
  await acting.action(action.id, "approved");
  await acting.beats();
  expect(staged.startsOf(node)).toBe(0);
  expect((await acting.action(action.id, "expired")).steps.at(-1)?.code).toBe("EXPIRED");
  await staged.change(ticket, { held: false });
  await acting.beats();
  expect(staged.startsOf(node)).toBe(0);
});

test.for<[string, string, string, (given: { node: string; ticket: Ticket }) => Promise<unknown>]>([
  ["the violation is over", "cancelled", "VIOLATION_OVER", ({ node }) => staged.say(node, { state: "cleared" })],
  ["its ticket is closed", "cancelled", "TICKET_CLOSED", ({ ticket }) => staged.change(ticket, { status: "closed" })],
  ["fresh state has the node answering", "refused", "NODE_ANSWERS", async ({ node }) => staged.seen.set(node, "up")],
])("an approved action isn't begun when %s meanwhile", async ([, state, code, happen]) => {
  const { node, ticket } = await broken();
  const action = await acting.proposed(ticket, restart(node));
  await staged.change(ticket, { held: true });
  await acting.say(ada, action);
  await acting.action(action.id, "approved");
  await happen({ node, ticket });
  await staged.change(ticket, { held: false });
  const ended = await acting.action(action.id, "cancelled", "refused", "executed");
  expect(ended).toMatchObject({ state, escalated: false });
  expect(ended.steps.at(-1)?.code).toBe(code);
  expect(staged.startsOf(node)).toBe(0);
  await acting.settled();
});

test.for<[string, string, (node: string) => unknown, (node: string) => unknown]>([
  ["without an observer", "", () => staged.silenceObserver(), () => staged.observe()],
  [
    "while the observer doesn't see the target",
    "the observer doesn't see the probe of",
    (node) => staged.seen.set(node, "unread"),
    (node) => staged.seen.delete(node),
  ],
])("%s nothing is begun, and what was approved is done when there's fresh state again", async ([, why, hide, show]) => {
  const { node, ticket } = await broken();
  const action = await acting.proposed(ticket, restart(node));
  await hide(node);
  await acting.say(ada, action);
  await acting.action(action.id, "approved");
  const log = join(staged.folder, "actuator-1.log");
  await acting.until("it asked for fresh state in vain, and again", async () => {
    const lines = (await readFile(log, "utf8")).split("\n").filter((line) => line.includes(action.id));
    const said = lines.filter((line) => line.includes("without fresh state nothing is begun"));
    return said.length >= 2 && said.every((line) => line.includes(why)) ? said : undefined;
  });
  expect((await acting.actions.get(action.id))?.value.state).toBe("approved");
  expect((await acting.control.get(controlKey))?.value.inFlight).toEqual({});
  expect(staged.startsOf(node)).toBe(0);
  await show(node);
  await acting.action(action.id, "executed", "verified");
  expect(staged.startsOf(node)).toBe(1);
});

test("the same isn't done again to a node that was started a moment ago", async () => {
  const { node, ticket } = await executed();
  await staged.member(node).kill();
  const again = await acting.proposed(ticket, restart(node), 2);
  await acting.say(ada, again);
  expect((await acting.action(again.id, "refused")).steps.at(-1)?.code).toBe("COOL_DOWN");
  expect(staged.startsOf(node)).toBe(1);
});

test("what was refused before it began doesn't count as begun", async () => {
  const { node, ticket } = await broken();
  staged.seen.set(node, "up");
  const first = await acting.proposed(ticket, restart(node));
  await acting.say(ada, first);
  await acting.action(first.id, "refused");
  staged.seen.delete(node);
  const second = await acting.proposed(ticket, restart(node), 2);
  await acting.say(ada, second);
  await acting.action(second.id, "executed");
});

test("no second member is taken out while one action isn't settled", async () => {
  const { action } = await executed();
  const { node, ticket } = await broken();
  const drain = await acting.proposed(ticket, { action: "drain_node", target: node, parameters: {} });
  await acting.say(ada, drain);
  const refused = await acting.action(drain.id, "refused");
  expect(refused.steps.at(-1)).toMatchObject({ code: "BLAST_RADIUS" });
  await verifyNow(action);
});

test("a start that fails is read back, and said to have had no effect", { timeout: 90_000 }, async () => {
  const { node, ticket } = await broken();
  staged.breakStart(node);
  const action = await acting.proposed(ticket, restart(node));
  await acting.say(ada, action);
  const failed = await acting.action(action.id, "failed");
  expect(failed.steps.slice(-2)).toMatchObject([
    { state: "unknown", code: "EXECUTE_FAILED" },
    { state: "failed", code: "NO_EFFECT" },
  ]);
  expect(failed.escalated).toBe(true);
  await acting.settled();
});

test("a tool goes the same way as any action", async () => {
  const { node, ticket } = await broken();
  const action = await acting.proposed(ticket, {
    action: "log_message",
    target: node,
    parameters: { text: "look here" },
  });
  await acting.say(ada, action);
  expect((await acting.action(action.id, "executed")).steps.at(-1)?.text).toBe("noted: look here");
});

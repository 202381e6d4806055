import { readFileSync } from "node:fs";
import { Bus } from "@operator/bus/bus";
import { Action } from "@operator/contracts/action";
import { ActionId } from "@operator/contracts/action-id";
import { flow } from "@operator/contracts/flow";
import { InstanceName, SubjectName } from "@operator/contracts/names";
import { TicketId } from "@operator/contracts/ticket-id";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { actionsBefore } from "./recent-actions.ts";

let nats: NatsServer;
let actuator: Bus;
let diagnoser: Bus;
beforeAll(async () => {
  nats = await startProvisionedNats();
  const connect = (user: "actuator" | "diagnoser") =>
    Bus.connect({
      servers: nats.url,
      user,
      password: nats.passwords[user],
      instance: InstanceName.parse(`test-${user}`),
    });
  [actuator, diagnoser] = [await connect("actuator"), await connect("diagnoser")];
});
afterAll(async () => {
  await Promise.all([actuator?.close(), diagnoser?.close()]);
  await nats?.stop();
});

const golden = new URL(import.meta.resolve("@operator/contracts/flow"));
const [example] = z
  .array(z.object({ message: Action }))
  .parse(JSON.parse(readFileSync(new URL("golden/action.v1.json", golden), "utf8")));
const signal = AbortSignal.timeout(30_000);
const nowMs = 1_800_000_000_000;
const minuteMs = 60_000;

/** An action as the actuator tells of it, come to its last step at this time. */
async function told(subject: string, generation: number, state: "claimed" | "executed", agoMs: number, revision = 1) {
  if (!example) throw new Error("no example of an action");
  const ticket = TicketId.parse(`${subject}.node_down.node-a.${generation}`);
  const step = { state, atMs: nowMs - agoMs, by: "actuator-1", text: "as it came" };
  await actuator.publish(flow.action, {
    ...example.message,
    id: ActionId.parse(`${ticket}.1.1`),
    subject: SubjectName.parse(subject),
    ticket,
    state,
    revision,
    steps: [step],
  });
}

test("where nothing was done there is nothing, and nothing is missing", async () => {
  expect(await actionsBefore(diagnoser, "ratelimiter", nowMs, signal)).toEqual({ actions: [] });
});

test("each of the subject's actions of the last hour comes once, as it stands", async () => {
  await told("ratelimiter", 1, "claimed", 5 * minuteMs, 1);
  await told("ratelimiter", 1, "executed", 4 * minuteMs, 2);
  await told("ratelimiter", 2, "executed", 61 * minuteMs);
  await told("another", 3, "executed", minuteMs);
  const { actions, why } = await actionsBefore(diagnoser, "ratelimiter", nowMs, signal);
  expect(why).toBeUndefined();
  expect(actions).toEqual([
    {
      ticket: "ratelimiter.node_down.node-a.1",
      action: example?.message.proposal.action,
      target: example?.message.proposal.target,
      parameters: example?.message.proposal.parameters,
      state: "executed",
      atMs: nowMs - 4 * minuteMs,
    },
  ]);
});

test("a bus that can't be asked costs the actions and says why", async () => {
  await diagnoser.close();
  const { actions, why } = await actionsBefore(diagnoser, "ratelimiter", nowMs, signal);
  expect(actions).toEqual([]);
  expect(why).toContain("closed");
});

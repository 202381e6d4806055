import { Bus } from "@operator/bus/bus";
import type { ActionState } from "@operator/contracts/action";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { InstanceName, SubjectName } from "@operator/contracts/names";
import { contextOf } from "@operator/service/context.fixture";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actionLike } from "./action.fixture.ts";
import { Book } from "./book.ts";
import { ControlDesk } from "./control.ts";
import { settleInFlight } from "./in-flight.ts";

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startProvisionedNats();
  bus = await Bus.connect({
    servers: nats.url,
    user: "actuator",
    password: nats.passwords.actuator,
    instance: InstanceName.parse("actuator-1"),
  });
}, 30_000);
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

let n = 0;
/** Is the claim of an action in this state still named after settling? `state` undefined: there is no such action. */
async function isNamedAfter(state: ActionState | undefined, untilMs: number): Promise<boolean> {
  const { log } = contextOf(bus, new AbortController().signal);
  const book = await Book.open(bus, { log, isSettled: () => Promise.resolve(false) });
  const control = await ControlDesk.open(bus, () => []);
  const { subject, ticket } = actionLike();
  const action = actionLike({ id: `${ticket}.1.${++n}`, ...(state && { state }) });
  if (state) await book.propose(action);
  const inFlight = { action: action.id, by: bus.instance, claimedAtMs: untilMs - 40_000, untilMs };
  const bucket = await bus.bucket("control", Control);
  await bucket.change(controlKey, () => ({ ...controlAtFirst, inFlight: { [SubjectName.parse(subject)]: inFlight } }));
  await settleInFlight({ book, control });
  return Object.keys((await control.read()).inFlight).length > 0;
}

test.for<[ActionState | undefined, "holds" | "ran out", boolean]>([
  ["approved", "ran out", true],
  ["claimed", "ran out", true],
  ["unknown", "ran out", true],
  ["unverified", "holds", true],
  ["unverified", "ran out", false],
  ["executed", "holds", false],
  ["verified", "holds", false],
  ["failed", "holds", false],
  ["undone", "holds", false],
  ["refused", "holds", false],
  ["rejected", "holds", false],
  ["expired", "holds", false],
  ["cancelled", "holds", false],
  [undefined, "holds", false],
])("an action that is %s, of which the claim %s, stays named: %s", async ([state, claim, stays]) => {
  expect(await isNamedAfter(state, Date.now() + (claim === "holds" ? 10_000 : -10_000))).toBe(stays);
});

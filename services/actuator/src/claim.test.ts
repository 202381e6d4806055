import { newKey, readPrivateKey } from "@operator/approval/keys";
import { sign } from "@operator/approval/sign";
import { Bus } from "@operator/bus/bus";
import { ModeStatement } from "@operator/contracts/approval";
import { Control, controlAtFirst, controlKey, InFlight } from "@operator/contracts/control";
import { InstanceName, SubjectName } from "@operator/contracts/names";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ControlDesk } from "./control.ts";

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startProvisionedNats();
  const instance = InstanceName.parse("actuator-1");
  bus = await Bus.connect({ servers: nats.url, user: "actuator", password: nats.passwords.actuator, instance });
}, 30_000);
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const subject = SubjectName.parse("ratelimiter");
const made = newKey();
const ada = { key: made.key, name: "ada", risks: ["low" as const], mode: true, publicKey: made.publicKey };

/** Mode `execute` in this term, signed. */
function executing(term: number): Control {
  const nowMs = Date.now();
  const times = { key: made.key, issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
  const statement = ModeStatement.parse({ purpose: "execute_mode", term, ...times });
  const signed = sign(statement, readPrivateKey(made.privatePem).privateKey);
  return { ...controlAtFirst, mode: "execute", term, statement: signed };
}

function claimOf(n: number): InFlight {
  const nowMs = Date.now();
  const action = `ratelimiter.node_down.node-a.1.1.${n}`;
  return InFlight.parse({ action, by: "actuator-1", claimedAtMs: nowMs, untilMs: nowMs + 38_000 });
}

test("the kill switch between the look at control and the claim wins", async () => {
  const bucket = await bus.bucket("control", Control);
  await bucket.change(controlKey, () => executing(1));
  let looks = 0;
  const desk = await ControlDesk.open(bus, () => {
    looks += 1;
    // It has looked and hasn't written yet; what this connection sends now comes before its claim.
    const pressed = JSON.stringify({ ...controlAtFirst, term: 2 });
    if (looks === 1) bus.link.connection.publish(`$KV.control.${controlKey}`, pressed);
    return [ada];
  });
  expect(await desk.claim(subject, 1, claimOf(1), () => false)).toMatchObject({ code: "MODE_OBSERVE" });
  expect((await bucket.get(controlKey))?.value).toMatchObject({ mode: "observe", term: 2, inFlight: {} });
});

test("a claim is released by who claimed it and no other", async () => {
  const bucket = await bus.bucket("control", Control);
  await bucket.change(controlKey, () => executing(3));
  const desk = await ControlDesk.open(bus, () => [ada]);
  const [claim, other] = [claimOf(1), claimOf(2)];
  expect(await desk.claim(subject, 3, claim, () => false)).toBeUndefined();
  for (const wrong of [other, { ...claim, by: InstanceName.parse("actuator-2") }, { ...claim, claimedAtMs: 1 }]) {
    await desk.release(subject, wrong);
    expect((await desk.read()).inFlight).toEqual({ [subject]: claim });
  }
  await desk.release(subject, claim);
  expect((await desk.read()).inFlight).toEqual({});
});

import { Bus } from "@operator/bus/bus";
import { provision } from "@operator/bus/provision";
import { readInOrder } from "@operator/bus/read-in-order";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { buckets } from "@operator/contracts/streams";
import { contextOf } from "@operator/service/context.fixture";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { ControlDesk } from "./control.ts";
import { modeNoter } from "./note-mode.ts";

let nats: NatsServer;
const buses: Bus[] = [];
const as = async (user: "actuator" | "cli" | "provision") => {
  const instance = InstanceName.parse(`${user}-1`);
  const bus = await Bus.connect({ servers: nats.url, user, password: nats.passwords[user], instance });
  buses.push(bus);
  return bus;
};
let cli: Bus;
let actuator: Bus;
beforeEach(async () => {
  nats = await startProvisionedNats();
  [cli, actuator] = [await as("cli"), await as("actuator")];
}, 30_000);
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close();
  await nats.stop();
});

/** An actuator that has just started. */
async function noter(): Promise<() => Promise<void>> {
  const control = await ControlDesk.open(actuator, () => []);
  return modeNoter({ control, context: contextOf(actuator, new AbortController().signal) });
}

/** A person's change of the mode. */
async function changeMode(term: number, mode: Control["mode"] = "observe"): Promise<void> {
  const bucket = await cli.bucket("control", Control);
  await bucket.change(controlKey, (now = controlAtFirst) => ({
    ...now,
    mode,
    term,
    by: "ada",
    atMs: term,
    reason: "",
  }));
}

/** What an actuator writes: the mode stays. */
async function claim(untilMs: number): Promise<void> {
  const inFlight = { action: "ratelimiter.node_down.node-a.1.1.1", by: "actuator-1", claimedAtMs: 1, untilMs };
  const bucket = await actuator.bucket("control", Control);
  await bucket.change(controlKey, (now) => Control.parse({ ...now, inFlight: { ratelimiter: inFlight } }));
}

async function noted(): Promise<string[]> {
  const texts: string[] = [];
  for await (const batch of readInOrder(cli, flow.note, { from: "first", signal: AbortSignal.timeout(9_000) })) {
    texts.push(...batch.received.map(({ message }) => message.text.replace(/:$/, "")));
    if (batch.caughtUp) break;
  }
  return texts;
}

test("changes of the mode while no actuator is alive are all noted, once, and claims aren't changes", async () => {
  await changeMode(1, "execute");
  await claim(10);
  await changeMode(2);
  await changeMode(3, "execute");
  await claim(11);
  const note = await noter();
  await note();
  const all = ["execute, term 1", "observe, term 2", "execute, term 3"];
  expect(await noted()).toEqual(all);
  await claim(12);
  await note();
  await (
    await noter()
  )();
  expect(await noted(), "another actuator, and one that goes on").toEqual(all);
  await changeMode(4);
  await note();
  expect(await noted()).toEqual([...all, "observe, term 4"]);
});

test("a term that comes again is another change", async () => {
  for (const mode of ["execute", "observe", "execute"] as const) await changeMode(1, mode);
  await (
    await noter()
  )();
  expect(await noted()).toEqual(["execute, term 1", "observe, term 1", "execute, term 1"]);
});

test("a long time of claims makes no change of the mode, and hides none that comes after it", async () => {
  await changeMode(1, "execute");
  await (
    await noter()
  )();
  for (let at = 0; at < buckets.control.history + 5; at += 1) await claim(at);
  const note = await noter();
  await note();
  expect(await noted()).toEqual(["execute, term 1"]);
  await changeMode(2);
  await note();
  expect(await noted()).toEqual(["execute, term 1", "observe, term 2"]);
});

test("what can't be read, and a removal, are noted too", async () => {
  await changeMode(1);
  const broken = await cli.bucket("control", z.unknown());
  await broken.change(controlKey, () => ({ mode: "sideways" }));
  await broken.remove(controlKey);
  await changeMode(2);
  await (
    await noter()
  )();
  expect(await noted()).toEqual([
    "observe, term 1",
    "what was written can't be read (revision 2)",
    "control was removed: the mode is observe (revision 3)",
    "observe, term 2",
  ]);
});

test("a bucket that was made anew begins anew, and the audit goes on", async () => {
  await changeMode(1);
  await changeMode(2);
  const note = await noter();
  await note();
  const admin = await as("provision");
  await admin.link.api.streams.delete("KV_control");
  await provision(admin);
  await changeMode(7);
  await note();
  expect(await noted()).toEqual(["observe, term 1", "observe, term 2", "observe, term 7"]);
});
